"""Doubt: what was read can't be taken for WeChat Pay's word to us.

On a notification it becomes a refusal with the same reason; on an answer, an unknown outcome.
"""


class DoubtError(Exception):
    """A sentence for people and one word for the metric: see `NotificationRefusedError`."""

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason
