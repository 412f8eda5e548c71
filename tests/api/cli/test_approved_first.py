"""What a payment without an approval is depends on whether its kind must be approved first; finance is no tax side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.cli.desk import Desk, person

OWN, BACK, SUBSIDISED = (person(830 + place) for place in range(3))
FINANCE = {
    "征收品目": "政府补贴", "缴费类型": "", "上解日期": "", "电子税票号码": "", "拨付文号": "财〔2025〕1号",
    "补贴级次": "县",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(open_desk: Any) -> Desk:
    made: Desk = open_desk("neimenggu")
    made.enrol(OWN, BACK, SUBSIDISED)
    made.pay(
        made.payment(OWN, "N1", "200", "2025-03-04", 费款所属期="2025"),
        made.payment(BACK, "N2", "300", "2025-03-05", 缴费类型="一次性补缴"),
        made.payment(SUBSIDISED, "N3", "60", "2025-03-06", 费款所属期="2025", **FINANCE),
    )
    return made


def month(desk: Desk) -> dict[str, Any]:
    return desk.inside("tax", "reconcile", "--pool", desk.code, "--month", "2025-03", "--json").json


def test_the_region_says_what_is_approved_first(desk: Desk) -> None:
    """In Inner Mongolia a back payment is; a contribution stands for itself; a subsidy of finance is not compared."""
    told = month(desk)
    assert (told["tax"]["rows"], told["own"]["rows"], told["total_difference"]) == (2, 1, "300.00")
    assert [(one["category"], one["tax"]["serial"]) for one in told["differences"]] == [("TAX_ONLY", "N2")]


def test_another_value_is_another_comparison(desk: Desk) -> None:
    """The month is folded again though no row has come."""
    for value, found in (("contribution", {"N1", "N2"}), ("collective_subsidy", set()), ("back_payment", {"N2"})):
        said = ("--name", "tax.approved_first", "--year", "2025", "--value", value, "--document", "文号")
        desk.prepare("rules", "set", "--pool", desk.code, *said, "--actor", "甲", "--reviewer", "乙")
        told = month(desk)
        assert {one["tax"]["serial"] for one in told["differences"]} == found
        assert told["categories"]["MATCHED"]["rows"] == 2 - len(found)
