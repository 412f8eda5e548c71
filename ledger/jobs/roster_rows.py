"""补助/资助申报表 (S0 附件3) as a village hands it in: every row read, everything that is wrong with each row told.

A roster is taken whole or returned whole, so a row's faults do not hide each other: number, sex, name, amount and type
are all looked at before the row is given up. A line of sums (合计, 小计) declares nobody; its sum must be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from ledger.forms.rules import RegionForms
from ledger.identity import IdentityFault, normalise_citizen_number, parse_sex, require_sex, squeezed
from ledger.jobs.intake import FileRow
from ledger.money import MoneyFault, fen_to_yuan, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.roster import Row
from ledger.store.register import Register
from ledger.words import CHINESE, MoneyKind

REQUIRED: Final = ("姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型")
OPTIONAL: Final = ("序号",)
TEXT: Final = ("公民身份号码",)
TYPED: Final = ("公民身份号码", "补助金（资助）金额")
"""Who is meant and with how much must be typed: all other columns are held against the register and the number."""
_TOTAL: Final = re.compile("(本页)?([合总共小])计")
_KINDS: Final = {
    "集体补助": MoneyKind.COLLECTIVE_SUBSIDY,
    "补助": MoneyKind.COLLECTIVE_SUBSIDY,
    "社会资助": MoneyKind.SOCIAL_AID,
    "资助": MoneyKind.SOCIAL_AID,
}
Fault = tuple[int, Refusal]


class RosterRead(NamedTuple):
    """A roster as it was read: the rows in which nothing is wrong, and all faults of the others."""

    rows: tuple[Row, ...]
    faults: list[Fault]
    lines: int


class _Said(NamedTuple):
    line: int
    number: str
    name: str
    fen: int


class _Sums:
    """The amounts so far, of the whole roster and since the last 小计, against its lines of sums."""

    def __init__(self) -> None:
        self._whole = self._since = 0
        self._known = True

    def add(self, text: str) -> None:
        """Another row's amount; beside one that cannot be read no sum says anything."""
        try:
            fen = yuan_to_fen(text)
        except MoneyFault:
            self._known = False
            return
        self._whole += fen
        self._since += fen

    def fault(self, line: int, label: re.Match[str], text: str) -> Refusal | None:
        """AMOUNT where a line of sums (its label matched by `_TOTAL`) says another sum than the rows above it."""
        part = bool(label[1]) or label[2] == "小"
        due = self._since if part else self._whole
        if part:
            self._since = 0
        if not (text.strip() and self._known):
            return None
        try:
            told = yuan_to_fen(text)
        except MoneyFault as fault:
            return refuse(Reason.AMOUNT, f"第{line}行{label[0]}", rule=str(fault))
        if told == due:
            return None
        rule = f"{label[0]}{fen_to_yuan(told)}元须等于以上各行之和{fen_to_yuan(due)}元"
        return refuse(Reason.AMOUNT, f"第{line}行{label[0]}", rule=rule, remedy="核对各行金额及合计后重报")


def read_roster(
    rows: Iterable[FileRow], index: Mapping[str, int], register: Register, kind: MoneyKind, forms: RegionForms
) -> RosterRead:
    """Read all rows; lines of sums, and the lines that the region's `forms` print below the table, are nobody's.

    Reasons: ROW_FAULT, IDENTITY_FAULT, AMOUNT, KIND, UNKNOWN_PERSON, NAME_DIFFERS, UNKNOWN_ACCOUNT.
    """
    said: list[_Said] = []
    faults: list[Fault] = []
    sums = _Sums()
    lines = 0
    places = [index[name] for name in REQUIRED]
    number_at, amount_at = index["公民身份号码"], index["补助金（资助）金额"]
    for line, cells, fault in rows:
        if not cells[number_at][:1].isdigit():  # as good as all rows do, and need not be looked at for other things
            if label := _total_label({name: cells[place] for name, place in index.items()}):
                if wrong := sums.fault(line, label, cells[amount_at]):
                    faults.append((line, wrong))
                continue
            if not fault and forms.is_own_line(cells):
                continue
        lines += 1
        sums.add("" if fault else cells[amount_at])
        if fault:
            faults.append((line, refuse(Reason.ROW_FAULT, f"第{line}行：{fault}")))
            continue
        row, found = _read(line, [cells[place] for place in places], kind)
        faults += ((line, one) for one in found)
        if row is not None:
            said.append(row)
    found_rows, unknown = _known(said, register)
    misread = {line for line, _ in faults}
    return RosterRead(tuple(row for row in found_rows if row.line not in misread), [*faults, *unknown], lines)


def _total_label(cell: Mapping[str, str]) -> re.Match[str] | None:
    """合计 or the like at the beginning of a line that names nobody."""
    number = squeezed(cell["公民身份号码"])
    texts = (squeezed(cell.get(name, "")) for name in (*OPTIONAL, *REQUIRED) if name != "补助金（资助）金额")
    first = next(filter(None, texts), "")
    return _TOTAL.match(first) if number in ("", first) else None


def _read(line: int, cells: list[str], kind: MoneyKind) -> tuple[_Said | None, list[Refusal]]:
    """One row, its cells in the order of REQUIRED."""
    name, said_sex, said_number, amount, stated_kind = cells
    faults: list[Refusal] = []
    number, name, fen = "", squeezed(name), 0
    try:
        number = normalise_citizen_number(said_number)
    except IdentityFault as fault:
        faults.append(refuse(Reason.IDENTITY_FAULT, f"第{line}行“公民身份号码”", rule=str(fault)))
    try:
        sex = parse_sex(said_sex)
        if number:
            require_sex(number, sex)
    except IdentityFault as fault:
        faults.append(refuse(Reason.IDENTITY_FAULT, f"第{line}行“性别”", rule=str(fault)))
    if not name:
        faults.append(refuse(Reason.IDENTITY_FAULT, f"第{line}行“姓名”", rule="姓名不得为空"))
    try:
        fen = yuan_to_fen(amount)
        if fen <= 0:
            faults.append(refuse(Reason.AMOUNT, f"第{line}行“补助金（资助）金额”", rule="金额须大于零"))
    except MoneyFault as fault:
        faults.append(refuse(Reason.AMOUNT, f"第{line}行“补助金（资助）金额”", rule=str(fault)))
    stated = _KINDS.get(stated_kind) or _KINDS.get(squeezed(stated_kind))
    if stated is not kind:
        rule = f"本方案申报的是{CHINESE[kind]}" if stated else f"类型须为：{'、'.join(_KINDS)}"
        faults.append(refuse(Reason.KIND, f"第{line}行“补助或资助类型”", rule=rule))
    if not number or not name:
        return None, faults
    return _Said(line, number, name, fen), faults


def _known(said: list[_Said], register: Register) -> tuple[list[Row], list[Fault]]:
    """Each person's account in the pool, and whoever has none or another name."""
    digests = {row.line: register.digest(row.number) for row in said}
    holders = register.find(set(digests.values()))
    rows: list[Row] = []
    faults: list[Fault] = []
    for row in said:
        holder = holders.get(digests[row.line])
        if holder is None:
            faults.append((row.line, refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")))
        elif not register.is_named(holder, row.name):
            faults.append((row.line, refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")))
        elif holder.account is None:
            faults.append((row.line, refuse(Reason.UNKNOWN_ACCOUNT, f"第{row.line}行“公民身份号码”")))
        else:
            rows.append(Row(row.line, holder.account, row.fen))
    return rows, faults


def participants_of(
    rows: Iterable[FileRow], index: Mapping[str, int], register: Register
) -> tuple[list[tuple[int, UUID, Mapping[str, str]]], list[Fault]]:
    """Whom the rows of a roll or of a list of statuses mean (公民身份号码, 姓名), with their cells; and all faults."""
    said: list[tuple[_Said, Mapping[str, str]]] = []
    faults: list[Fault] = []
    for line, cells, fault in rows:
        cell = {name: cells[place] for name, place in index.items()}
        if fault:
            faults.append((line, refuse(Reason.ROW_FAULT, f"第{line}行：{fault}")))
            continue
        try:
            number = normalise_citizen_number(cell["公民身份号码"])
        except IdentityFault as wrong:
            faults.append((line, refuse(Reason.IDENTITY_FAULT, f"第{line}行“公民身份号码”", rule=str(wrong))))
            continue
        said.append((_Said(line, number, squeezed(cell["姓名"]), 0), cell))
    holders = register.find({register.digest(row.number) for row, _ in said})
    found = []
    for row, cells_of in said:
        holder = holders.get(register.digest(row.number))
        if holder is None:
            faults.append((row.line, refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")))
        elif not register.is_named(holder, row.name):
            faults.append((row.line, refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")))
        else:
            found.append((row.line, holder.participant, cells_of))
    return found, faults
