"""成员名单 and 人员状态 as they are handed in: whom each row means, from when to when; and all faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from ledger.dates import DateFault, parse_business_date
from ledger.jobs.intake import FileRow
from ledger.jobs.roster_rows import Fault, participants_of
from ledger.refusals import Reason, Refusal, refuse
from ledger.roster import GROUPS, PENSIONER
from ledger.store.payers import Period
from ledger.store.register import Register

MEMBER: Final = ("姓名", "公民身份号码")
STATUS: Final = (*MEMBER, "状态", "起")
STATUSES: Final = {"领取待遇": PENSIONER, **{chinese: word for word, chinese in GROUPS.items()}}
"""What a list of statuses may say, and the word of the ledger for it."""
ALWAYS: Final = date(1900, 1, 1)
"""Since when a member of whom no first day is said has been one."""


def read_members(
    rows: Iterable[FileRow], index: Mapping[str, int], register: Register, payer: str
) -> tuple[list[Period], list[Fault]]:
    """The periods of a payer's roll. Reasons: as `participants_of`, DATE."""
    found, faults = participants_of(rows, index, register)
    return _periods([(line, who, payer, cell) for line, who, cell in found], faults)


def read_statuses(
    rows: Iterable[FileRow], index: Mapping[str, int], register: Register
) -> tuple[list[Period], list[Fault]]:
    """The periods of a list of statuses. Reasons: as `participants_of`, KIND, DATE."""
    found, faults = participants_of(rows, index, register)
    said = []
    for line, who, cell in found:
        word = STATUSES.get(cell["状态"].strip())
        if word is None:
            faults.append((line, refuse(Reason.KIND, f"第{line}行“状态”", rule=f"状态须为：{'、'.join(STATUSES)}")))
        else:
            said.append((line, who, word, cell))
    return _periods(said, faults)


def _periods(
    said: Iterable[tuple[int, UUID, str, Mapping[str, str]]], faults: list[Fault]
) -> tuple[list[Period], list[Fault]]:
    periods = []
    for line, who, word, cell in said:
        period = _period(line, who, word, cell.get("起", ""), cell.get("止", ""))
        if isinstance(period, Refusal):
            faults.append((line, period))
        else:
            periods.append(period)
    return periods, faults


def _period(line: int, participant: UUID, word: str, since: str, until: str) -> Period | Refusal:
    try:
        first = parse_business_date(since) if since.strip() else ALWAYS
        last = parse_business_date(until) if until.strip() else None
    except DateFault as fault:
        return refuse(Reason.DATE, f"第{line}行“起、止”", rule=str(fault))
    if last is not None and last < first:
        return refuse(Reason.DATE, f"第{line}行“起、止”", rule="止日不得早于起日")
    return Period(participant, word, first, last)
