"""Whom a payment of nobody known may mean: proposals for people to look at, never matches (domain §6.3 (e)).

A payment and an approval of the same figures are proposed for each other where the payment's number is the person's
under another name; else where the numbers are alike but for one or two characters; else where the names are the same;
else where nobody else is left with these figures on either side. Each is proposed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

Figures = tuple[int, int, int, int]
"""Kind, payment type, period, fen."""
ALIKE_MAX: Final = 2
"""So many characters may be wrong in a number for it to be alike another."""


class Unknown(NamedTuple):
    """A payment of nobody known: what names it, its figures, whose number it bears (under another name), and what it
    says of the person.
    """

    key: str
    figures: Figures
    participant: UUID | None
    number: str
    name: str


class Candidate(NamedTuple):
    """An approval that nobody paid, and its person."""

    key: str
    figures: Figures
    participant: UUID
    number: str
    name: str


def propose(unknown: Sequence[Unknown], candidates: Sequence[Candidate]) -> dict[str, str]:
    """The key of a candidate for each payment that has one."""
    proposals: dict[str, str] = {}
    of: dict[Figures, list[Candidate]] = {}
    for candidate in sorted(candidates):
        of.setdefault(candidate.figures, []).append(candidate)
    groups: dict[Figures, list[Unknown]] = {}
    for one in sorted(unknown, key=lambda one: (one.figures, one.key)):
        groups.setdefault(one.figures, []).append(one)
    for figures, payments in groups.items():
        left = of.get(figures, [])
        for by in (_by_participant, _by_number, _by_name):
            for one, candidate in by(payments, left):
                proposals[one.key] = candidate.key
                payments.remove(one)
                left.remove(candidate)
        if len(payments) == len(left) == 1:
            proposals[payments[0].key] = left[0].key
    return proposals


Pairs = list[tuple[Unknown, Candidate]]


def _by_participant(payments: Sequence[Unknown], candidates: Sequence[Candidate]) -> Pairs:
    return _one_to_one(payments, candidates, lambda one: [one.participant], lambda other: [other.participant])


def _by_name(payments: Sequence[Unknown], candidates: Sequence[Candidate]) -> Pairs:
    return _one_to_one(payments, candidates, lambda one: [one.name], lambda other: [other.name])


def _by_number(payments: Sequence[Unknown], candidates: Sequence[Candidate]) -> Pairs:
    """Alike numbers share what is left when a character or two are taken out of each; only those are compared."""
    sketches: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for sketch in _sketches(candidate.number):
            sketches.setdefault(sketch, []).append(candidate)
    found: list[tuple[int, str, Unknown, Candidate]] = []
    for one in payments:
        near = {id(other): other for sketch in _sketches(one.number) for other in sketches.get(sketch, ())}
        found += (
            (distance, one.key + other.key, one, other)
            for other in near.values()
            if (distance := _distance(one.number, other.number)) <= ALIKE_MAX
        )
    pairs: Pairs = []
    taken: set[str] = set()
    for _, _, one, other in sorted(found, key=lambda pair: pair[:2]):
        if one.key not in taken and other.key not in taken:
            taken |= {one.key, other.key}
            pairs.append((one, other))
    return pairs


def _one_to_one(
    payments: Sequence[Unknown],
    candidates: Sequence[Candidate],
    of_payment: Callable[[Unknown], Sequence[object]],
    of_candidate: Callable[[Candidate], Sequence[object]],
) -> Pairs:
    """Those that share a word which no other payment and no other candidate has."""
    ours: dict[object, list[Unknown]] = {}
    theirs: dict[object, list[Candidate]] = {}
    for one in payments:
        for word in filter(None, of_payment(one)):
            ours.setdefault(word, []).append(one)
    for other in candidates:
        for word in filter(None, of_candidate(other)):
            theirs.setdefault(word, []).append(other)
    return [(found[0], theirs[word][0]) for word, found in ours.items() if len(found) == len(theirs.get(word, ())) == 1]


def _sketches(number: str) -> Iterator[str]:
    """The number with each character left out, and its second half: of two alike numbers one is shared.

    Not its first half, which says region and decade, and which thousands share.
    """
    if not number:
        return
    yield f"2{number[9:]}"
    for place in range(len(number)):
        yield f"0{number[:place]}{number[place + 1 :]}"


def _distance(one: str, other: str) -> int:
    """Characters to be changed, put in, left out, or exchanged with their neighbour, to make one number the other.

    What both begin and end with says nothing, and is most of two alike numbers.
    """
    begin, end = 0, 0
    shorter = min(len(one), len(other))
    while begin < shorter and one[begin] == other[begin]:
        begin += 1
    while end < shorter - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    one, other = one[begin : len(one) - end], other[begin : len(other) - end]
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, left in enumerate(one, 1):
        before, last, row = row, before, [place]
        for at, right in enumerate(other, 1):
            least = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (left != right))
            if place > 1 and at > 1 and (left, one[place - 2]) == (other[at - 2], right):
                least = min(least, last[at - 2] + 1)
            row.append(least)
    return row[-1]
