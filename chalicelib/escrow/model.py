"""What can stand in the way of shipping an order and releasing its money."""

from chalicelib.kernel.errors import Kind, PlatformError, TryAgainError


class OrderNotShippableError(PlatformError):
    """Only a paid order is shipped."""

    kind = Kind.CONFLICT
    code = "order_not_shippable"


class AlreadyShippedError(PlatformError):
    """The order was shipped under another carrier or number."""

    kind = Kind.CONFLICT
    code = "already_shipped"


class ReleaseTooLargeError(PlatformError):
    """A part is less than what the order holds."""

    kind = Kind.CONFLICT
    code = "release_too_large"


class ReleaseUnsettledError(TryAgainError):
    """The order moved under every attempt to release what it holds."""

    code = "release_unsettled"


class OrderNotReceivableError(PlatformError):
    """Only a shipped order can be received."""

    kind = Kind.CONFLICT
    code = "order_not_receivable"
