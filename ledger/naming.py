"""Whether something that was received names somebody, though it could not be read: a slip in the number, wrong columns.

It is asked when somebody is erased, so it rather finds a row too many: a row that holds the name of another person of
the same name, or a number one slip away from two people's, is emptied too. What the row says of money stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ledger.identity import squeezed

_LONG: Final = re.compile(r"[0-9A-Z]{14,19}")
"""What could be a number with a slip in it: one character wrong, missing, too many, or two that changed places."""
_NAME: Final = re.compile(r"[^\W\d_]+(?:[·•.][^\W\d_]+)*")
_SHORTEST: Final = 14
_LONGEST: Final = 19


class Somebody(NamedTuple):
    """A person by all that names them: both spellings of the number, and every name they ever had."""

    numbers: frozenset[str]
    names: frozenset[str]

    @staticmethod
    def of(numbers: Iterable[str], names: Iterable[str]) -> Somebody:
        """From normalised numbers; the old spelling of 15 digits comes along."""
        given = [number for number in numbers if number]
        short = [number[:6] + number[8:17] for number in given if len(number) == 18 and number[6:8] == "19"]
        return Somebody(frozenset((*given, *short)), frozenset(filter(None, map(plain, names))))

    @property
    def traces(self) -> list[str]:
        """Texts of which one stands wherever this person is named: most rows are told apart by these alone.

        A slip spoils one half of a number; two characters that changed places in the middle spoil both.
        """
        found = list(self.names)
        for one in self.numbers:
            half = len(one) // 2
            found += [one[:half], one[half:], one[: half - 1] + one[half] + one[half - 1]]
        return found

    def is_named_in(self, cells: Sequence[str]) -> bool:
        """Whether one of these cells, each made `plain`, says who it is."""
        return any(self._has_name(cell) or self._has_number(cell) for cell in cells)

    def _has_name(self, cell: str) -> bool:
        return any(name in cell and (name == cell or name in _NAME.findall(cell)) for name in self.names)

    def _has_number(self, cell: str) -> bool:
        if len(cell) < _SHORTEST:
            return False
        if any(number in cell for number in self.numbers):
            return True
        written = _LONG.findall(cell)
        if len(cell) <= _LONGEST:
            written.append(cell)
        return any(within_one_slip(one, number) for one in written for number in self.numbers)


def plain(cell: str) -> str:
    """A cell as it is compared: without spaces, half-width, in capitals."""
    return squeezed(cell).upper()


def within_one_slip(one: str, other: str) -> bool:
    """Whether two texts are the same but for one character wrong, missing or too many, or two that changed places."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]
