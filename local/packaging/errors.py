"""Why there is no package."""


class PackageError(RuntimeError):
    """The package is not fit to be deployed; the sentence is for a person."""
