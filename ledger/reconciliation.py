"""Whether what was paid is what was approved: one person's two books, compared row by row (社税对账, S4 第三、八章).

Pure: from a person's rows of 缴费明细 and of 应收核定, whatever their months, to the differences of each month. The
months are gone through in order. In each, what was paid meets what was approved by the keys of domain §6.3: the number
of the approval with the person, then item, period, payment type and amount; what remains alike in all but one of these
is a difference of that one. A difference is tax less agency in fen, so those of a month explain that of its totals.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ledger.differences import BACK_PAYMENT, BACK_TYPES, Approved, Category, Difference, Paid
from ledger.exchange import month_of
from ledger.match_keys import NEARLY, Alike, named_and_same, pairs, same
from ledger.refusals import Reason
from ledger.words import KINDS


class Own(NamedTuple):
    """What the agency's own entries count for where nothing need be approved: rows and fen."""

    rows: int = 0
    fen: int = 0


@dataclass
class Compared:
    """A person compared: the differences, by month how many rows matched, and what the ledger's own entries count."""

    differences: list[Difference] = field(default_factory=list)
    matched: dict[date, int] = field(default_factory=dict)
    own: dict[date, Own] = field(default_factory=dict)


class Needs(NamedTuple):
    """Which kinds must have been approved before they are paid; what need not is compared with the ledger's entry."""

    kinds: frozenset[int]
    back_payments: bool

    @staticmethod
    def of(words: Collection[str]) -> Needs:
        """From the words of the rules: kinds of money, and `back_payment`."""
        return Needs(frozenset(KINDS.index(kind) for kind in KINDS if kind in words), BACK_PAYMENT in words)

    def approval(self, kind: int, payment_type: int) -> bool:
        """Whether a payment needs one."""
        return kind in self.kinds or (self.back_payments and payment_type in BACK_TYPES)


def compare_person(
    paid: Iterable[Paid], approved: Iterable[Approved], needs: Needs, orphans: Iterable[Paid] = ()
) -> Compared:
    """The differences of every month in which the person paid or had something approved.

    `orphans` are cancellations of what never came.
    """
    answer = _Person(sorted(paid, key=lambda one: (one.treasury_on, one.serial)), list(approved), needs).compared()
    for one in orphans:
        month = month_of(one.treasury_on)
        answer.differences.append(Difference(month, f"c:{one.serial}", Category.CANCELLED, -one.fen, -1, one))
    return answer


class _Person:
    """One person's two books while the months are gone through."""

    def __init__(self, paid: list[Paid], approved: list[Approved], needs: Needs) -> None:
        self._paid = paid
        self._paid_in: dict[date, list[Paid]] = {}
        for one in paid:
            self._paid_in.setdefault(month_of(one.treasury_on), []).append(one)
        self._taken_back = [(one, month_of(day)) for one in paid if (day := _cancelled(one))]
        approved = sorted(approved, key=lambda one: (one.approved_on, one.number, one.line))
        self._approved_in: dict[date, list[Approved]] = {}
        for other in approved:
            self._approved_in.setdefault(month_of(other.approved_on), []).append(other)
        self._withdrawn = [(other, month_of(day)) for other in approved if (day := _withdrawn(other))]
        self._needs = needs
        self._answer = Compared()
        self._open_paid: list[tuple[Paid, Difference]] = []
        self._open_approved: list[tuple[Approved, Difference]] = []
        self._own_paid: list[Paid] = []
        self._pair_of: dict[str, Approved] = {}
        self._payer_of: dict[str, Paid] = {}

    def compared(self) -> Compared:
        gone = {month for _, month in (*self._taken_back, *self._withdrawn)}
        for month in sorted({*self._paid_in, *self._approved_in, *gone}):
            self._withdraw(month)
            self._cancel(month)
            self._month(month)
        return self._answer

    # -- what is taken back of earlier months ----------------------------------------------------------------------

    def _cancel(self, month: date) -> None:
        """撤销 of payments of earlier months."""
        for one, gone in self._taken_back:
            if gone != month or month_of(one.treasury_on) == month:
                continue
            if one.serial in self._pair_of:
                approved = self._pair_of.pop(one.serial)
                del self._payer_of[approved.key]
                told = self._tell(month, f"c:{one.serial}", Category.CANCELLED, -one.fen, -1, one, approved)
                self._open_approved.append((approved, told))
            elif before := _taken(self._open_paid, one):
                told = self._tell(month, f"c:{one.serial}", Category.CANCELLED, -one.fen, -1, one)
                if one.kept:
                    continue
                before.clear(f"{_month(month)}税务撤销", month)
                told.clear(f"撤销{_month(month_of(one.treasury_on))}的缴费", month_of(one.treasury_on))
            else:  # its own entry was its approval, and keeps the day of the payment when it is reversed
                self._own_paid = [other for other in self._own_paid if other is not one]
                self._tell(month, f"c:{one.serial}", Category.CANCELLED, -one.fen, -1, one)

    def _withdraw(self, month: date) -> None:
        """Withdrawals of receivables of earlier months."""
        for one, gone in self._withdrawn:
            if gone != month or month_of(one.approved_on) == month:
                continue
            if one.key in self._payer_of:
                paid = self._payer_of.pop(one.key)
                del self._pair_of[paid.serial]
                told = self._tell(month, f"w:{one.key}", Category.TAX_ONLY, one.fen, 1, paid, one)
                self._open_paid.append((paid, told))
            elif before := _taken(self._open_approved, one):
                before.clear(f"{_month(month)}核定已撤回", month)
                told = self._tell(month, f"w:{one.key}", Category.CANCELLED, one.fen, 1, None, one)
                told.clear(f"撤回{_month(month_of(one.approved_on))}的核定", month_of(one.approved_on))

    # -- a month ---------------------------------------------------------------------------------------------------

    def _month(self, month: date) -> None:
        """What came in a month meets what is open: first its own, then what earlier months left."""
        came = self._paid_in.get(month, [])
        gone = [one for one in came if (day := _cancelled(one)) and month_of(day) == month]
        paid = [one for one in came if one not in gone and one.reason != Reason.OTHER_POOL]
        approved = [
            one for one in self._approved_in.get(month, []) if not ((day := _withdrawn(one)) and month_of(day) == month)
        ]
        exactly: tuple[Alike, ...] = (named_and_same, same)
        for alike in exactly if paid and approved else ():
            for one, other in pairs(paid, approved, alike):
                self._pair(one, other)
                self._answer.matched[month] = self._answer.matched.get(month, 0) + 1
        self._meet_earlier(month, paid, approved)
        for category, nearly in NEARLY if paid and approved else ():
            for one, other in pairs(paid, approved, nearly):
                self._pair(one, other)
                self._tell(month, other.key, category, one.fen - other.fen, 0, one, other)
        for one in came:
            if one in gone:
                continue
            if one.reason == Reason.OTHER_POOL:
                self._tell(month, one.key, Category.REGION, one.fen, 1, one)
            elif one in paid:
                self._unmatched(month, one)
        for one in gone:
            if one.kept and not self._needs.approval(one.kind, one.payment_type):
                self._count_own(month, 1, one.fen)
                self._tell(month, f"c:{one.serial}", Category.CANCELLED, -one.fen, -1, one)
        for other in approved:
            alike_gone = any((one.kind, one.period, one.fen) == (other.kind, other.period, other.fen) for one in gone)
            category = Category.CANCELLED if alike_gone else Category.AGENCY_ONLY
            told = self._tell(month, other.key, category, -other.fen, -1, None, other)
            self._open_approved.append((other, told))

    def _meet_earlier(self, month: date, paid: list[Paid], approved: list[Approved]) -> None:
        """Payments of this month for approvals of earlier ones, and the other way round: both sides are cleared."""
        for one in list(paid) if self._open_approved else ():
            found = next((other for other, _ in self._open_approved if same(one, other)), None)
            if found is None:
                continue
            before = _taken(self._open_approved, found)
            assert before is not None
            paid.remove(one)
            self._pair(one, found)
            if before.category is Category.AGENCY_ONLY and one.paid_on and month_of(one.paid_on) <= before.month:
                before.category = Category.CUTOFF
            before.clear(f"{_month(month)}入库", month)
            told = self._tell(month, one.key, Category.CUTOFF, one.fen, 1, one, found)
            told.clear(f"{_month(month_of(found.approved_on))}核定", month_of(found.approved_on))
        for other in list(approved) if self._open_paid or self._own_paid else ():
            waiting = (*(one for one, _ in self._open_paid), *self._own_paid)
            earlier = next((one for one in waiting if same(one, other)), None)
            if earlier is None:
                continue
            if before := _taken(self._open_paid, earlier):
                before.clear(f"{_month(month)}核定", month)
            self._own_paid = [one for one in self._own_paid if one is not earlier]
            approved.remove(other)
            self._pair(earlier, other)
            told = self._tell(month, other.key, Category.CUTOFF, -other.fen, -1, earlier, other)
            told.clear(f"{_month(month_of(earlier.treasury_on))}入库", month_of(earlier.treasury_on))

    def _unmatched(self, month: date, one: Paid) -> None:
        """A payment that nobody approved: paid twice, needing no approval, or of the tax side alone."""
        if self._is_again(one, month):
            category = Category.DUP_PAYMENT
        elif one.booked and not self._needs.approval(one.kind, one.payment_type):
            self._count_own(month, 1, one.fen)
            self._own_paid.append(one)
            self._answer.matched[month] = self._answer.matched.get(month, 0) + 1
            return
        else:
            category = Category.TAX_ONLY
        self._open_paid.append((one, self._tell(month, one.key, category, one.fen, 1, one)))

    def _is_again(self, one: Paid, month: date) -> bool:
        """Whether the same item of the same period was paid before, by another voucher, and not taken back since."""
        return any(
            other.serial != one.serial
            and (other.kind, other.payment_type, other.period) == (one.kind, one.payment_type, one.period)
            and other.voucher != one.voucher
            and other.reason != Reason.OTHER_POOL
            and (other.serial in self._pair_of or (other.treasury_on, other.serial) < (one.treasury_on, one.serial))
            and not ((day := _cancelled(other)) and month_of(day) <= month)
            for other in self._paid
            if month_of(other.treasury_on) <= month
        )

    def _pair(self, one: Paid, other: Approved) -> None:
        self._pair_of[one.serial] = other
        self._payer_of[other.key] = one

    def _count_own(self, month: date, rows: int, fen: int) -> None:
        before = self._answer.own.get(month, Own())
        self._answer.own[month] = Own(before.rows + rows, before.fen + fen)

    def _tell(
        self,
        month: date,
        key: str,
        category: Category,
        fen: int,
        rows: int,
        paid: Paid | None = None,
        approved: Approved | None = None,
    ) -> Difference:
        told = Difference(month, key, category, fen, rows, paid, approved)
        self._answer.differences.append(told)
        return told


def _cancelled(one: Paid) -> date | None:
    """When a payment was taken back: not before it came."""
    return one.cancelled_on and max(one.cancelled_on, one.treasury_on)


def _withdrawn(one: Approved) -> date | None:
    return one.withdrawn_on and max(one.withdrawn_on, one.approved_on)


def _taken(
    waiting: list[tuple[Paid, Difference]] | list[tuple[Approved, Difference]], one: object
) -> Difference | None:
    """The difference under which something stood open, which it no longer does."""
    for place, (other, told) in enumerate(waiting):
        if other is one:
            del waiting[place]
            return told
    return None


def _month(month: date) -> str:
    return f"{month.year}年{month.month}月"
