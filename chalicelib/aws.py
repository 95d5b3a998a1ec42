"""The one session with AWS of this process: what it reads from disk is read once.

A client takes milliseconds to build, and most of them go into botocore's own data: the list of all
regions of all services (over a megabyte of JSON), a search for the four hundred services there are,
one service's model. A session keeps what it has read, and the package brings the list of regions
cut down to the services that are spoken to here (`local/packaging/regions.py`).
"""

import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

import botocore.config
import botocore.loaders
import botocore.session
from botocore.credentials import CredentialResolver, EnvProvider
from typing_extensions import override

SERVICES = ("dynamodb", "s3", "secretsmanager", "sqs")
_REGIONS = Path(__file__).parent / "regions"
_building = threading.Lock()  # a session is not made for threads; its clients are


class _Loader(botocore.loaders.Loader):
    """Reads models; it knows which services there are, and looks for no others."""

    @override
    def list_available_services(self, type_name: str) -> list[str]:
        """Return the services that are spoken to here."""
        assert type_name
        return list(SERVICES)


@cache
def session() -> botocore.session.Session:
    """Return the session; addresses, region and credentials come by environment."""
    opened = botocore.session.get_session()
    opened.register_component("data_loader", _Loader(extra_search_paths=[str(_REGIONS)]))
    if EnvProvider.ACCESS_KEY in os.environ:
        # As on Lambda: then none of the other places is made ready to be looked at.
        opened.register_component("credential_provider", CredentialResolver([EnvProvider()]))
    return opened


def client(service: str, **configured: Any) -> Any:
    """Build a client."""
    with _building:
        return session().create_client(service, config=botocore.config.Config(**configured))
