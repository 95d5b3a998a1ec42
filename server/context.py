"""What Lambda tells a handler about its own run."""

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """A context of a run that never times out."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = "shoukuan-local"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:shoukuan-local"

    def get_remaining_time_in_millis(self) -> int:
        """Return a Lambda's usual allowance."""
        return 30_000
