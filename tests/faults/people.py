"""Files of made-up people for a pool whose jobs are to be killed: they follow from the number of people alone.

Citizen numbers carry the prefix 640000, which is issued to nobody. The balances of most are taken over at the end of
2022; money of 2023 is paid by the first file of payments. The second one, whose intake is killed, holds the money of
2024, money late for 2023, rows cancelled, rows there twice, and rows that must be refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

PARTICIPANTS: Final = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
OPENINGS: Final = ("公民身份号码", "个人缴费", "政府补贴", "利息")
PAYMENTS: Final = (
    "缴费明细流水号",
    "电子税票号码",
    "公民身份号码",
    "姓名",
    "费款所属期",
    "征收品目",
    "缴费类型",
    "实缴金额",
    "上解日期",
    "入库日期",
    "数据类型",
    "传输批次号",
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SURNAMES: Final = "马王李张杨丁哈白金何田吴陈刘周罗虎海苏赵"
_GIVEN: Final = "志建秀文玉海晓学国春桂小永立彦少凤燕梅兰英花红霞玲芳丽军平"
_OWN: Final = "个人缴费"


class Person(NamedTuple):
    """A made-up participant."""

    number: str
    name: str


class Files(NamedTuple):
    """The files of one pool, in the order in which they are taken in."""

    participants: Path
    openings: Path
    early_payments: Path
    payments: Path


def person(place: int) -> Person:
    """The participant at a place, from 0."""
    birth = date(1950, 1, 1) + timedelta(days=place % 16_000)
    body = f"640000{birth:%Y%m%d}{place // 16_000 * 2 + 1:03d}"
    name = _SURNAMES[place % 20] + _GIVEN[place // 20 % 29] + _GIVEN[place // 580 % 29]
    return Person(body + _check(body), name)


def write_files(folder: Path, people: int) -> Files:
    """All files of a pool of so many people."""
    files = Files(*(folder / f"{name}.csv" for name in ("participants", "openings", "payments-2023", "payments-2024")))
    places = range(people)
    _write(files.participants, PARTICIPANTS, (_participant(place) for place in places))
    _write(files.openings, OPENINGS, (_opening(place) for place in places if place % 10 < 6))
    _write(files.early_payments, PAYMENTS, (_paid(place, "a", "2023", f"2023-0{place % 9 + 1}-11") for place in places))
    _write(files.payments, PAYMENTS, (row for place in places for row in _second_file(place)))
    return files


def _check(body: str) -> str:
    return "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]


def _participant(place: int) -> list[str]:
    who = person(place)
    return [who.name, who.number, "男", f"县{place % 3}", f"镇{place % 6}", f"村{place % 24}", "2013-01-05"]


def _opening(place: int) -> list[str]:
    own = 500 + place * 79 % 9_000
    return [person(place).number, f"{own}.{place % 100:02d}", str(own // 5), str(own // 10)]


def _paid(place: int, turn: str, period: str, day: str, **other: str) -> list[str]:
    who = person(place)
    amount = f"{(200, 300, 500, 1000, 2000)[place % 5]}.{place % 90 + 10}"
    row = {
        "serial": f"S{place:06d}{turn}",
        "voucher": f"T{place // 7:06d}",
        "number": who.number,
        "name": who.name,
        "period": period,
        "item": _OWN,
        "type": "正常应缴",
        "amount": amount,
        "paid_on": day,
        "treasury_on": day,
        "data_type": "新增",
        "batch": f"B{turn}",
    }
    return list((row | other).values())


def _second_file(place: int) -> Iterator[list[str]]:
    day = f"2024-{place % 11 + 1:02d}-{place % 28 + 1:02d}"
    first = _paid(place, "b", "2024", day)
    yield first
    yield _paid(place, "c", "2024", "2024-12-20", item="政府补贴", amount="60.00")
    if place % 10 == 3:
        yield _paid(place, "d", "2023", "2023-12-28", type="中断补缴")
    if place % 20 == 7:
        yield _paid(place, "a", "2023", f"2023-0{place % 9 + 1}-11", data_type="撤销")
    if place % 20 == 9:
        yield _paid(place, "b", "2024", day, data_type="撤销")
    if place % 25 == 4:
        yield first
    if place % 50 == 8:
        yield _paid(place, "e", "2024", day, name="某某某")
    if place % 50 == 18:
        number = person(place).number
        yield _paid(place, "f", "2024", day, number=number[:-1] + ("1" if number[-1] != "1" else "2"))
    if place % 50 == 28:
        yield _paid(place, "g", "2024", day, amount="-3.00")
    if place % 50 == 38:
        yield _paid(place, "b", "2024", day, amount="7.77")


def _write(path: Path, header: Iterable[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
