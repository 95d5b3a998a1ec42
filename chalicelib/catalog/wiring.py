"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.catalog.store import CatalogStore
from chalicelib.catalog.usecases import Catalog

authenticator = outside.authenticator


@cache
def catalog() -> Catalog:
    """Return the shelf."""
    return Catalog(products=CatalogStore(outside.table()), commits=outside.commits())
