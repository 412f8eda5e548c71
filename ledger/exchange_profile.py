"""Formats of the files that others send, as data: what they call our columns, their codes, their batch header.

Shipped profiles stand in `ledger/rules/exchange/`; another province's format is a file of its own, which may be
`based_on` a shipped one and say only what differs. What a profile says wrongly is refused before any file is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger.column_names import plain_name
from ledger.exchange_layout import FREE_WORDS, LAYOUTS, WORDS, Layout
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import CONFIDENCE, SHIPPED

FOLDER: Final = SHIPPED / "exchange"
DEFAULT: Final = "spine"
_NAME: Final = re.compile("[a-z][a-z0-9_-]*")
_TOP: Final = ("name", "title", "checked_on", "based_on", *LAYOUTS)
_PART: Final = ("columns", "fixed", "values", "labels", "batch_header", "total", "rests_on", "confidence")
_BATCH_HEADER: Final = ("optional", "required")
TOTALS: Final = {
    "net": "新增为正、撤销为负",
    "gross": "逐行相加，不分新增、撤销",
}
"""How a batch header's total is meant: of rows that add and rows that withdraw, or of the amounts as they stand."""


class Labels(NamedTuple):
    """What a batch header calls the batch's number, how many rows it has, and what they come to."""

    batch: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One sort of file as a profile has it.

    `columns` gives for our names the headers to look for, of which the first that is there counts; `fixed` what columns
    that a format does not have always say; `values` their codes for our words, by column. A batch header that is
    `required` must state all that there are `labels` for.
    """

    profile: str
    layout: Layout
    columns: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    labels: Labels
    required: bool
    total: str
    rests_on: str
    confidence: str


@dataclass(frozen=True)
class Profile:
    """The formats of one sender by the sort of file (`LAYOUTS`)."""

    name: str
    title: str
    formats: Mapping[str, Format]


class _Fault(Exception):  # noqa: N818 — becomes a refusal
    def __init__(self, key: str, rule: str, remedy: str) -> None:
        super().__init__(key)
        self.key, self.rule, self.remedy = key, rule, remedy


def shipped_names() -> tuple[str, ...]:
    """The profiles that come with the program, the default first."""
    return tuple(sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda name: (name != DEFAULT, name)))


def find_profile(said: str) -> Profile | Refusal:
    """A profile as an operator names it: a shipped one, or a file of their own. Reasons: PROFILE."""
    if said in shipped_names():
        return shipped_profile(said)
    if said.lower().endswith(".toml"):
        return read_profile(Path(said))
    known = "、".join(shipped_names())
    return refuse(Reason.PROFILE, said or "（空）", rule=f"格式须为 {known} 之一，或一个 .toml 格式文件")


@cache  # a process reads what is part of the program once
def shipped_profile(name: str) -> Profile:
    """A profile that comes with the program. Raises ValueError for a fault in it."""
    path = FOLDER / f"{name}.toml"
    try:
        return _profile(_raw(path), path.stem, shipped=True)
    except _Fault as fault:
        raise ValueError(f"{path.name}: {fault.key}: {fault.rule}") from fault


def read_profile(path: Path) -> Profile | Refusal:
    """A profile of an operator's own, checked. Reasons: PROFILE, which names the file, the key and the remedy."""
    try:
        return _profile(_raw(path), path.stem, shipped=False)
    except _Fault as fault:
        value = f"{path.name} 的 {fault.key}" if fault.key else path.name
        return refuse(Reason.PROFILE, value, rule=fault.rule, remedy=fault.remedy)


def _raw(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise _Fault("", "格式文件无法打开", "请核对路径、文件名和读取权限") from fault
    except UnicodeDecodeError as fault:
        raise _Fault("", "格式文件的编码不是 UTF-8", "请另存为 UTF-8") from fault
    except tomllib.TOMLDecodeError as fault:
        found = re.search(r"at line (\d+), column (\d+)", str(fault))
        where = f"第 {found[1]} 行第 {found[2]} 列" if found else "文件末尾"
        remedy = "请按 TOML 写法更正：键和值都加双引号，一键只写一次"
        raise _Fault(where, "格式文件不是有效的 TOML", remedy) from fault


def _profile(raw: dict[str, Any], stem: str, *, shipped: bool) -> Profile:
    _known(raw, _TOP, "")
    name = _text(raw.get("name", ""), "name")
    if not _NAME.fullmatch(name):
        raise _Fault("name", "格式须有名称：小写字母开头的字母、数字、- 和 _", '例如 name = "ningxia-tax"')
    if shipped and name != stem:
        raise _Fault("name", f"须为 {stem}", "")
    if not shipped and name in shipped_names():
        raise _Fault("name", f"{name} 是随软件提供的格式的名称", "请另取名称；只改几处的，写 based_on")
    based_on = _text(raw.get("based_on", ""), "based_on")
    if based_on and (shipped or based_on not in shipped_names()):
        raise _Fault("based_on", f"只能以随软件提供的格式为基础：{'、'.join(shipped_names())}", "请更正或删去该键")
    base = _raw(FOLDER / f"{based_on}.toml") if based_on else {}
    formats = {}
    for sort in LAYOUTS:
        part = _table(raw.get(sort, {}), sort)
        _known(part, _PART, sort)
        if sort in raw or sort in base:
            formats[sort] = _format(_joined(base.get(sort, {}), part, sort), sort, name)
    if not formats:
        raise _Fault("", f"格式文件须至少有一节：{'、'.join(LAYOUTS)}", "例如 [payments.columns]")
    return Profile(name, _text(raw.get("title", ""), "title") or name, formats)


def _joined(base: dict[str, Any], part: dict[str, Any], sort: str) -> dict[str, Any]:
    """What a part says on top of the one it is based on: a column is said anew, in `columns` or in `fixed`."""
    tables = {
        key: _table(part.get(key, {}), f"{sort}.{key}") for key in ("columns", "fixed", "values", "labels")
    }  # fmt: skip
    said = {*tables["columns"], *tables["fixed"]}
    joined = {**base, **part}
    for key in ("columns", "fixed"):
        kept = {name: value for name, value in base.get(key, {}).items() if name not in said}
        joined[key] = {**kept, **tables[key]}
    joined["labels"] = {**base.get("labels", {}), **tables["labels"]}
    codes = {name: _table(one, _key(sort, "values", name)) for name, one in tables["values"].items()}
    theirs = base.get("values", {})
    joined["values"] = {name: {**theirs.get(name, {}), **codes.get(name, {})} for name in {**theirs, **codes}}
    return joined


def _format(part: dict[str, Any], sort: str, profile: str) -> Format:
    layout = LAYOUTS[sort]
    columns = {name: _texts(said, _key(sort, "columns", name)) for name, said in part["columns"].items()}
    fixed = {name: _text(said, _key(sort, "fixed", name)) for name, said in part["fixed"].items()}
    labels = _labels(part["labels"], sort)
    word = _one_of(part.get("batch_header", "optional"), _BATCH_HEADER, f"{sort}.batch_header")
    total = _one_of(part.get("total", "net"), TOTALS, f"{sort}.total")
    required = word == "required"
    if required and not any(labels):
        raise _Fault(f"{sort}.labels", "必须有批次表头的，须写明其标签", f'例如 [{sort}.labels] rows = ["总笔数"]')
    _check_columns(columns, fixed, layout, sort)
    by_header = {layout.batch} if required and labels.batch and layout.batch else set()
    if missing := [name for name in layout.required if name not in {*columns, *fixed, *by_header}]:
        remedy = f"在 [{sort}.columns] 写明其列名，或在 [{sort}.fixed] 写明固定值"
        raise _Fault(f"{sort}.columns", f"缺少必需的列：{'、'.join(missing)}", remedy)
    values = {name: _codes(said, sort, name, layout) for name, said in part["values"].items()}
    confidence = _one_of(part.get("confidence", "stated"), CONFIDENCE, f"{sort}.confidence")
    rests_on = _text(part.get("rests_on", ""), f"{sort}.rests_on")
    return Format(profile, layout, columns, fixed, values, labels, required, total, rests_on, confidence)


def _check_columns(columns: Mapping[str, tuple[str, ...]], fixed: Mapping[str, str], layout: Layout, sort: str) -> None:
    taken: dict[str, str] = {}
    for name, headers in columns.items():
        key = _key(sort, "columns", name)
        _ours(name, layout, key)
        if not headers:
            raise _Fault(key, "列名不得为空", "请写明该格式中的列名，或删去该键")
        for header in headers:
            plain = plain_name(header)
            if not plain:
                raise _Fault(key, "列名不得为空", "请写明该格式中的列名，或删去该键")
            if plain in taken:
                rule = f"列名“{header}”已用于“{taken[plain]}”，一列只能用一次"
                raise _Fault(key, rule, "请核对该格式，改正其中一处")
            taken[plain] = name
    for name, said in fixed.items():
        key = _key(sort, "fixed", name)
        _ours(name, layout, key)
        if name in columns:
            raise _Fault(key, f"“{name}”既有列名又有固定值", "请只保留一处")
        if not said.strip() or (name in WORDS and said not in WORDS[name]):
            raise _Fault(key, _allowed(name), "请按约定的取值填写")


def _labels(part: dict[str, Any], sort: str) -> Labels:
    _known(part, Labels._fields, f"{sort}.labels")
    labels = Labels(*(_texts(part.get(word, []), f"{sort}.labels.{word}") for word in Labels._fields))
    taken: dict[str, str] = {}
    for word, said in zip(Labels._fields, labels, strict=True):
        for label in map(plain_name, said):
            if not label or taken.setdefault(label, word) != word:
                raise _Fault(f"{sort}.labels.{word}", "标签不得为空，一个标签只能有一个含义", "请更正该标签")
    return labels


def _codes(said: dict[str, Any], sort: str, name: str, layout: Layout) -> Mapping[str, str]:
    key = _key(sort, "values", name)
    _ours(name, layout, key)
    if name not in WORDS and name not in FREE_WORDS:
        known = "、".join(one for one in layout.names if one in WORDS or one in FREE_WORDS)
        raise _Fault(key, f"“{name}”不是有代码的列；可作对照的列为：{known}", "请删去该节")
    codes = {code.strip(): _text(word, _key(sort, "values", name, code)) for code, word in said.items()}
    for code, word in codes.items():
        if not code or not word.strip() or (name in WORDS and word not in WORDS[name]):
            raise _Fault(_key(sort, "values", name, code), _allowed(name), "请改为约定的取值")
    return codes


def _allowed(name: str) -> str:
    return f"“{name}”须为：{'、'.join(WORDS[name])}" if name in WORDS else f"“{name}”不得为空"


def _ours(name: str, layout: Layout, key: str) -> None:
    if name not in layout.names:
        rule = f"“{name}”不是{layout.title}的列；其列为：{'、'.join(layout.names)}"
        raise _Fault(key, rule, "请按上列名称更正：左边是本账簿的列名，右边是该格式的列名")


def _known(raw: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    for key in raw:
        if key not in keys:
            raise _Fault(
                f"{where}.{key}" if where else key, f"没有这个键；可用的键为：{'、'.join(keys)}", "请更正或删去该键"
            )


def _key(*parts: str) -> str:
    """A key as it is written in the file: Chinese parts in quotes."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in parts)


def _table(said: Any, key: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise _Fault(key, "须为一节", f"请写成 [{key}]")
    return said


def _text(said: Any, key: str) -> str:
    if not isinstance(said, str):
        raise _Fault(key, "取值须为文本", "请加双引号")
    return said


def _texts(said: Any, key: str) -> tuple[str, ...]:
    """One text or a list of them."""
    if isinstance(said, list):
        return tuple(_text(one, key) for one in said)
    return (_text(said, key),)


def _one_of(said: Any, words: Collection[str], key: str) -> str:
    if not isinstance(said, str) or said not in words:
        raise _Fault(key, f"取值须为：{'、'.join(words)}", "请更正该值")
    return said
