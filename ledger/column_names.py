"""How the names of columns are compared, in a file's header and in a profile that says what they are called there."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

BRACKETS: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|【([^【】]*)】")
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def half_width(text: str) -> str:
    """A text with full-width forms made half-width and invisible signs left out; its spaces stay."""
    return normalize("NFKC", _INVISIBLE.sub("", text))


def plain_name(name: str) -> str:
    """A column's name as it is compared: half-width, without spaces, invisible signs and bracketed units.

    Codes of data items are the same in capitals and in small letters: databases write them either way.
    """
    return "".join(BRACKETS.sub("", half_width(name)).split()).upper()
