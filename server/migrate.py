"""`python -m server migrate`: make PostgreSQL's schema, or update it; twice is harmless."""

from chalicelib.edge import observe
from chalicelib.settings import settings


def main() -> int:
    """Migrate; return the exit code."""
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
