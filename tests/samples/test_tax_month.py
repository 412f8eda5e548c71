"""The month of exchange: what its maker says must come follows from its files, counted here by other means."""

import csv
import json
from collections import Counter
from fractions import Fraction

import pytest

from ledger.differences import Category
from samples.people import citizen_number
from samples.tax_month import CODED, PAYMENT, POOL, SURNAMES
from tests.samples.test_samples import SAMPLES

FOLDER = SAMPLES / POOL
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
PAID = ("payments-02", "payments-03-1", "payments-03-2")


def lines(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def table(name, head=0):
    read = lines(name)
    columns = [dict(zip(CODED, PAYMENT, strict=True)).get(one, one) for one in read[head]]
    return [dict(zip(columns, row, strict=True)) for row in read[head + 1 :]]


def march():
    """Each row of 缴费明细 of March once."""
    rows = [row for name in PAID for row in table(name, 1) if row["入库日期"].startswith("2025-03")]
    return list({(row["缴费明细流水号"], row["数据类型"]): row for row in rows}.values())


def net(row):
    return Fraction(row["实缴金额"]) * (-1 if row["数据类型"] == "撤销" else 1)


def test_every_category_must_come():
    told = {one["category"] for one in EXPECTED["differences"]}
    assert told | {"MATCHED"} == set(Category)
    cutoffs = [one["amount"] for one in EXPECTED["differences"] if one["category"] == "CUTOFF"]
    assert sorted(cutoffs) == ["-300.00", "200.00", "300.00"]


def test_the_differences_make_the_difference_of_the_two_books():
    """Tax less approvals less own entries that nobody need approve, from the files alone."""
    paid, due = march(), table("receivables-03")
    twice = EXPECTED["twice"]["serial"]
    own = sum(
        net(row)
        for row in paid
        if (row["征收品目"], row["缴费类型"], row["统筹区编码"]) == ("个人缴费", "正常应缴", POOL)
        and row["缴费明细流水号"] != twice
    )
    total = sum(map(net, paid)) - sum(Fraction(row["应缴金额"]) for row in due) - own
    assert total == Fraction(EXPECTED["total_difference"])
    mine = [one for one in EXPECTED["differences"] if one["comparison"] == "tax_agency"]
    assert sum(Fraction(one["amount"]) for one in mine) == total


@pytest.mark.parametrize("name", PAID)
def test_batches_are_what_their_headers_say(name):
    head, rows = lines(name)[0], table(name, 1)
    assert (head[3], Fraction(head[5])) == (str(len(rows)), sum(map(net, rows)))
    assert {row["传输批次号"] for row in rows} == {head[1]}


def test_the_incomplete_batch_lost_one_row():
    whole, part = lines("payments-03-1"), lines("payments-03-1-incomplete")
    assert part[0] == whole[0]
    assert len(part) == len(whole) - 1
    assert not Counter(map(tuple, part)) - Counter(map(tuple, whole))


def test_the_treasury_differs_on_one_day():
    days = Counter()
    for row in march():
        if row["统筹区编码"] == POOL:
            days[row["入库日期"]] += net(row)
    stated = {row["日期"]: Fraction(row["金额"]) for row in table("treasury")}
    assert {day: days[day] - stated[day] for day in days if days[day] != stated[day]} == {"2025-03-10": 100}


def test_nobody_is_real():
    """Unissued prefixes, names that no family has."""
    for file in FOLDER.glob("*.csv"):
        read = lines(file.stem)
        columns = next(row for row in read if "序号" in row or "姓名" in row or "AAC003" in row or "日期" in row)
        for row in read[read.index(columns) + 1 :]:
            said = dict(zip(columns, row, strict=True))
            number, name = (
                said.get(one) or said.get(other) for one, other in (("公民身份号码", "AAC147"), ("姓名", "AAC003"))
            )
            if number is None:
                continue
            assert number.startswith("150000")
            assert citizen_number(number[:17]) == number
            assert name.startswith(SURNAMES)
