"""What a file of the exchange says of itself above its table, and whether its rows bear it out.

A batch header states the batch's number, how many rows there are, and what they come to: `总笔数：8` in one cell, or
label and value side by side or one below the other. A file that disagrees with its own header is refused whole, before
anything of it is recorded: rows were lost or doubled on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from ledger.column_names import BRACKETS, half_width, plain_name
from ledger.exchange_profile import TOTALS, Format, Labels
from ledger.identity import squeezed
from ledger.jobs.payment_rows import can_be_serial, is_citizen_number, plain_code
from ledger.money import MoneyFault, fen_to_yuan, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse

Above = Sequence[tuple[int, Sequence[str]]]
"""Rows over the header of a table, with their lines."""

_TITLES: Final = {"batch": "传输批次号", "rows": "总笔数", "total": "总金额"}
_COUNT: Final = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,12})(?:笔|条|行)?", re.ASCII)
_BATCH: Final = re.compile(r"[\w\-./]{1,64}")
_OTHER_UNIT: Final = re.compile("[分角百千万亿]")
_MAX_READINGS: Final = 100_000


class BatchHeader(NamedTuple):
    """What a file states of itself, where it does: its batch, its rows, what they come to; and the profile it has."""

    batch: str = ""
    rows: int | None = None
    fen: int | None = None
    profile: str = ""

    @property
    def stated(self) -> bool:
        """Whether the file states anything that its rows must bear out."""
        return bool(self.batch) or self.rows is not None or self.fen is not None

    def told(self) -> dict[str, str | int]:
        """What is stated, for an answer that is read by programs; amounts in yuan."""
        said = {
            "batch": self.batch or None,
            "said_rows": self.rows,
            "said_total": None if self.fen is None else fen_to_yuan(self.fen),
        }
        return {word: value for word, value in said.items() if value is not None}

    def in_words(self) -> str:
        """The same for people; empty where nothing is stated."""
        titles = {"batch": _TITLES["batch"], "said_rows": _TITLES["rows"], "said_total": _TITLES["total"]}
        return "，".join(f"{titles[word]} {value}" for word, value in self.told().items())


class _Said(NamedTuple):
    """A value as it stands there: which one, in which line, the bracket of its label."""

    word: str
    line: int
    text: str
    bracket: str


def read_batch_header(above: Above, asked: Format) -> BatchHeader | Refusal:
    """What the rows over a table's header state. Reasons: BATCH_HEADER.

    What is stated and cannot be read is refused, and so is what is stated twice differently: to pass over it would
    leave the file unproven.
    """
    read: dict[str, Any] = {}
    for said in _statements(above, asked.labels):
        value = _VALUES[said.word](said.text)
        where = f"第{said.line}行“{_TITLES[said.word]}”"
        if said.word == "total" and _OTHER_UNIT.search(said.bracket):
            return refuse(Reason.BATCH_HEADER, where, rule="金额须以元为单位")
        if value is None:
            return refuse(Reason.BATCH_HEADER, where, rule=_READABLE[said.word])
        if read.setdefault(said.word, value) != value:
            return refuse(Reason.BATCH_HEADER, where, rule="批次表头中同一项只能有一个取值")
    if asked.required:
        missing = [_TITLES[word] for word, labels in asked.labels._asdict().items() if labels and word not in read]
        if missing:
            rule = f"格式 {asked.profile} 的文件须在表头之上载明批次表头"
            return refuse(Reason.BATCH_HEADER, f"没有{'、'.join(missing)}", rule=rule)
    return BatchHeader(read.get("batch", ""), read.get("rows"), read.get("total"), asked.profile)


_READABLE: Final = {
    "batch": "批次表头的传输批次号须为编号，不得有姓名或公民身份号码；长号码须为文本格式",
    "rows": "批次表头的总笔数须为整数",
    "total": "批次表头的总金额须为以元为单位的金额",
}


def _batch(text: str) -> str | None:
    text = plain_code(text)
    return text if _BATCH.fullmatch(text) and can_be_serial(text) and not is_citizen_number(text) else None


def _count(text: str) -> int | None:
    found = _COUNT.fullmatch("".join(text.split()))
    return int(found[1].replace(",", "")) if found else None


def _fen(text: str) -> int | None:
    plain = "".join(text.split()).removeprefix("¥")
    if plain[-2:-1].isdigit():
        plain = plain.removesuffix("元")
    try:
        return yuan_to_fen(plain)
    except MoneyFault:
        return None


_VALUES: Final[Mapping[str, Callable[[str], Any]]] = {"batch": _batch, "rows": _count, "total": _fen}


# -- where it stands -----------------------------------------------------------------------------------------------


def _statements(above: Above, labels: Labels) -> Iterator[_Said]:
    words = {plain_name(label): word for word, said in labels._asdict().items() for label in said}
    if not words:
        return
    pattern = _pattern(tuple(words))
    for place, (line, row) in enumerate(above):
        below = above[place + 1][1] if place + 1 < len(above) else ()
        for column, cell in enumerate(row):
            text = half_width(cell).strip()
            if not text:
                continue
            alone = plain_name(text.rstrip(":= "))
            if alone in words:
                value = _beside(row, below, column, words)
                if value or text[-1] in ":=":
                    yield _Said(words[alone], line, value, "".join(found[0] for found in BRACKETS.finditer(text)))
                continue
            for found in pattern.finditer(text):
                yield _Said(words[plain_name(found[1])], line, found[3], found[2] or "")


@cache
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """A label, its bracket, a colon, its value: up to a space or a sign between statements, thousands kept together."""
    longest_first = sorted(labels, key=len, reverse=True)
    names = "|".join(r"\s*".join(map(re.escape, label)) for label in longest_first)
    value = r"(?:[^\s;|、。,]|,(?=\d{3}(?!\d)))*"
    return re.compile(rf"(?<!\w)({names})\s*(?:\(([^()]*)\))?\s*[:=]\s*¥?\s*({value})", re.IGNORECASE)


def _beside(row: Sequence[str], below: Sequence[str], column: int, words: Mapping[str, str]) -> str:
    """The value of a label that stands alone: to its right, past empty cells, or below it where that is one."""
    right = next((one.strip() for one in map(half_width, row[column + 1 :]) if one.strip()), "")
    if plain_name(right.rstrip(":= ")) in words:
        right = ""
    under = half_width(below[column]).strip() if column < len(below) else ""
    read = _VALUES[words[plain_name(half_width(row[column]).strip().rstrip(":= "))]]
    return next((one for one in (right, under) if one and read(one) is not None), right or under)


# -- whether the rows bear it out ----------------------------------------------------------------------------------

Row = tuple[int, list[str], Any]
"""A row as read: its line, its cells, and what is wrong with it as such."""


class Doubts(NamedTuple):
    """Which faults of a row leave open whether it is one row, and which leave open what its amount is."""

    row: Callable[[Any], bool]
    amount: Callable[[Any], bool]


def check_batch(
    rows: Iterable[Row], header: BatchHeader, asked: Format, index: Mapping[str, int], doubts: Doubts
) -> Refusal | None:
    """Whether a file's rows are what its header says, all of it summed. Reasons: BATCH_HEADER, with both figures.

    `total` of the profile says how the sum is meant: "net" takes off what rows with 撤销 state, "gross" adds up all
    amounts as they stand. A row of which that cannot be said leaves the sum unproven.
    """
    layout = asked.layout
    amount, batch = index[layout.amount], index.get(layout.batch, -1)
    data_type = index.get(layout.data_type, -1) if asked.total == "net" else -1
    summed, batched = header.fen is not None, bool(header.batch) and batch >= 0
    signed: dict[tuple[str, str], int] = {}
    counted = fen = 0
    for line, cells, fault in rows:
        counted += 1
        if fault and (doubts.row(fault) or (summed and doubts.amount(fault))):
            return _unproven(line, "该行无法读取")
        if summed:
            key = (cells[amount], cells[data_type] if data_type >= 0 else "")
            of_row = signed.get(key)
            if of_row is None:
                if len(signed) > _MAX_READINGS:
                    signed.clear()
                read = _signed(*key, net=data_type >= 0)
                if isinstance(read, str):
                    return _unproven(line, read)
                signed[key] = of_row = read
            fen += of_row
        if batched and (own := cells[batch]) and own != header.batch and squeezed(own) != header.batch:
            rule = f"该行的传输批次号须与批次表头的 {header.batch} 一致"
            return refuse(Reason.BATCH_HEADER, f"第{line}行“{layout.batch}”", rule=rule)
    return _disagreement(header, asked, counted, fen)


def _signed(amount: str, data_type: str, *, net: bool) -> int | str:
    """What a row adds to the sum, or why that cannot be said."""
    try:
        fen = yuan_to_fen(amount)
    except MoneyFault as fault:
        return str(fault)
    if not net:
        return fen
    match squeezed(data_type):
        case "新增":
            return fen
        case "撤销":
            return -abs(fen)
        case _:
            return "数据类型不是新增或撤销"


def _unproven(line: int, why: str) -> Refusal:
    rule = f"批次表头所载的数无法核对：{why}"
    return refuse(
        Reason.BATCH_HEADER, f"第{line}行", rule=rule, remedy="更正该行，或请发送方整批重传；尚未记录任何内容"
    )


def _disagreement(header: BatchHeader, asked: Format, counted: int, fen: int) -> Refusal | None:
    told, rules = [], []
    if header.rows is not None and header.rows != counted:
        told.append(f"总笔数：表头所载{header.rows}，逐行计得{counted}")
        rules.append("行数须与总笔数一致（空行不计）")
    if header.fen is not None and header.fen != fen:
        told.append(f"总金额：表头所载{fen_to_yuan(header.fen)}元，逐行计得{fen_to_yuan(fen)}元")
        meant = f"（{TOTALS[asked.total]}）" if asked.layout.data_type else ""
        rules.append(f"{asked.layout.amount}合计{meant}须与总金额一致")
    return refuse(Reason.BATCH_HEADER, "；".join(told), rule="；".join(rules)) if told else None
