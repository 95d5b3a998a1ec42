"""A short digest of what was asked, to tell a repeat from another request under the same key."""

import hashlib
import json


def fingerprint(*parts: str | int | bool | None) -> str:
    """Return 32 hex digits that differ when any part, or its place, differs."""
    spelled = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()[:32]
