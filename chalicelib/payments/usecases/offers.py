"""The providers that are offered here, by name."""

from collections.abc import Mapping, Sequence

from chalicelib.providers.port import Provider

Providers = Mapping[str, Provider]


def offered(providers: Sequence[Provider]) -> Providers:
    """Index providers by name."""
    return {provider.name: provider for provider in providers}
