"""By which a payment and an approval of one person belong together: the match keys of domain §6.3, in their order.

The number of the approval comes first, with all that must be the same; then item, payment type, period and amount; and
what is alike in all but one of these is a difference of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ledger.differences import Approved, Category, Paid

Alike = Callable[[Paid, Approved], bool]
"""Whether a payment and an approval belong together by one of the keys."""


def pairs(paid: list[Paid], approved: list[Approved], alike: Alike) -> Sequence[tuple[Paid, Approved]]:
    """What is alike goes together, in the order of the payments, and out of both lists."""
    found: list[tuple[Paid, Approved]] = []
    if not approved:
        return found
    for one in list(paid):
        other = next((other for other in approved if alike(one, other)), None)
        if other is not None:
            paid.remove(one)
            approved.remove(other)
            found.append((one, other))
    return found


def same(one: Paid, other: Approved) -> bool:
    """Whether item, payment type, period and amount are the same."""
    return (one.kind, one.payment_type, one.period, one.fen) == (
        other.kind, other.payment_type, other.period, other.fen,
    )  # fmt: skip


def _named(one: Paid, other: Approved) -> bool:
    return bool(one.approval) and one.approval == other.number


def named_and_same(one: Paid, other: Approved) -> bool:
    """Whether the payment names the approval, and all else is the same."""
    return _named(one, other) and same(one, other)


def _other_amount(one: Paid, other: Approved) -> bool:
    return (one.kind, one.payment_type, one.period) == (other.kind, other.payment_type, other.period)


def _other_period(one: Paid, other: Approved) -> bool:
    return (one.kind, one.payment_type, one.fen) == (other.kind, other.payment_type, other.fen)


def _other_item(one: Paid, other: Approved) -> bool:
    return (one.period, one.fen) == (other.period, other.fen)


def _both(alike: Alike) -> Alike:
    """The number of the approval says that they belong together before the figures do."""
    return lambda one, other: _named(one, other) and alike(one, other)


NEARLY: Final[tuple[tuple[Category, Alike], ...]] = (
    *(
        (category, _both(alike))
        for category, alike in (
            (Category.AMOUNT, _other_amount),
            (Category.PERIOD, _other_period),
            (Category.ITEM, _other_item),
        )
    ),
    (Category.AMOUNT, _other_amount),
    (Category.PERIOD, _other_period),
    (Category.ITEM, _other_item),
)
"""What is a difference of one thing, most telling first: what the payment names comes before what looks like it."""
