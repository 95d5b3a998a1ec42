"""Texts that people type: trimmed, visible, no control characters."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Return a text in its normal form, or raise `ValueError` for what nobody can see."""
    if any(unicodedata.category(character) in _INVISIBLE for character in text):
        raise ValueError("it holds invisible characters")
    return unicodedata.normalize("NFC", text)


Text60 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(visible),
]
Text64 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(visible),
]
