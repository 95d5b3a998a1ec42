"""`python -m server migrate`: make PostgreSQL's schema, or update it; twice is harmless."""

from chalicelib.edge import observe
from chalicelib.settings import settings


def main(*, buckets: bool) -> int:
    """Migrate; return the exit code. With `buckets`, make those as well that are not there."""
    if buckets:
        _make_buckets()
    url = settings().storage_url
    if url is None:
        observe.note("nothing to migrate: tables and queues come with the deployed template")
        return 0
    from chalicelib import outside  # noqa: PLC0415
    from chalicelib.edge.pgschema import create_queues  # noqa: PLC0415  only with PostgreSQL
    from chalicelib.storage.postgres.schema import create_schema  # noqa: PLC0415

    create_schema(outside.secret(url))
    applied = create_queues(outside.secret(url))
    observe.note("migrated", queues=applied)
    return 0


def _make_buckets() -> None:
    from chalicelib.storage.lake import s3_client  # noqa: PLC0415

    client, configured = s3_client(), settings()
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for name in {configured.documents_bucket, configured.lake_bucket} - there:
        client.create_bucket(Bucket=name)
