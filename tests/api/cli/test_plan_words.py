"""Amounts in words (人民币大写) through the commands: every stored case in, in every form, and out on a form."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from ledger.money import MAX_YUAN_DIGITS
from tests.api.cli.desk import person
from tests.api.cli.papers import declaring, persons, printed
from tests.api.cli.village import PAYER, PLACE, YEAR, Village

CASES = json.loads((Path(__file__).parents[2] / "data" / "cases" / "rmb.json").read_text("utf-8"))["cases"]


class Worded(NamedTuple):
    """An amount of the stored cases: how it is printed, and every form in which it may be written."""

    yuan: str
    canonical: str
    forms: tuple[str, ...]

    @property
    def fen(self) -> int:
        return int(Decimal(self.yuan) * 100)

    @classmethod
    def of(cls, yuan: str, canonical: str, accepted: list[str]) -> Worded:
        forms = (canonical, *accepted, f"人民币{canonical}", canonical.replace("整", "正"))
        return cls(yuan, canonical, tuple(dict.fromkeys(forms)))


WORDED = tuple(Worded.of(*case) for case in CASES if Decimal(case[0]))
FORMS = tuple((form, one) for one in WORDED for form in one.forms)
LINES = tuple(person(600 + place) for place in range(len(FORMS)))
"""Somebody for each form."""


@pytest.fixture(scope="module")
def worded(open_desk) -> Village:
    """A plan that waits for rosters and grants each case's amount to whoever paid one yuan more than for the last."""
    made = Village(open_desk("ningxia"), LINES, cap="9" * (MAX_YUAN_DIGITS - 3) + ".00")
    rows = []
    for place, (who, (_, case)) in enumerate(zip(LINES, FORMS, strict=True)):
        if yuan := WORDED.index(case):
            rows.append(made.desk.payment(who, f"M{place}", f"{yuan}.00", "2025-02-11"))
    made.desk.pay(*rows)
    tiers = (f"{200 + place}-{200 + place}={one.canonical}" for place, one in enumerate(WORDED))
    sources = ("集体经济收益=玖佰玖拾玖亿元整", *(f"捐赠={form}" for form, _ in FORMS))
    options = [("--tier", one) for one in tiers] + [("--source", one) for one in sources]
    drafted = made.desk.ledger(
        "plan", "draft", "--pool", made.desk.code, "--payer", PAYER, "--year", YEAR, "--village", PLACE, "--covered",
        "成员", "--actor", "甲", "--json", *(word for option in options for word in option),
    )  # fmt: skip
    (made.drafted,) = drafted.json["events"]
    made.ready = UUID(drafted.json["plan"])
    made.walk(made.ready, "declared")
    return made


def test_every_form_of_every_case_goes_in_through_the_installed_command(worded):
    """As options: what each tier grants, and the sources. As cells: a roster, read back from what is recorded."""
    assert [tier[-1] for tier in worded.drafted["standard"]["tiers"]] == [one.fen for one in WORDED]
    assert [one["fen"] for one in worded.drafted["sources"][1:]] == [case.fen for _, case in FORMS]
    rows = [worded.row(who, form) for who, (form, _) in zip(LINES, FORMS, strict=True)]
    roster = worded.declare(worded.ready, *rows, name="forms.csv", outside=True).json["roster"]
    recorded = worded.desk.query("SELECT account_id, fen FROM {roster_row} WHERE roster = %s ORDER BY line", roster)
    assert recorded == [(worded.desk.account(who), case.fen) for who, (_, case) in zip(LINES, FORMS, strict=True)]


@pytest.mark.parametrize("case", WORDED, ids=lambda case: case.yuan)
def test_every_case_goes_in_as_words_and_comes_out_as_words(worded, case):
    """In: the one cell of a roster. Out: the sum below the printed list, by the installed command for one of them."""
    form = case.forms[-1]
    roster = worded.declare(
        worded.ready, worded.row(LINES[FORMS.index((form, case))], form), name=f"{case.yuan}.csv"
    ).json["roster"]
    outside = case is WORDED[0]
    told, said = printed(worded, worded.ready, "declaration_form", "--roster", roster, outside=outside)
    assert (told["amount"], told["amount_in_words"]) == (f"{case.fen / 100:.2f}", case.canonical)
    assert said[-4][0] == f"合计：1人，{case.fen / 100:.2f}元，人民币（大写）{case.canonical}"
    assert [Decimal(str(row[4])) for row in persons(said)] == [Decimal(case.yuan)]


def test_an_amount_in_words_is_taken_by_the_installed_command(worded):
    tried = worded.desk.ledger(
        "plan", "draft", "--pool", worded.desk.code, "--payer", PAYER, "--year", YEAR, "--village", PLACE,
        "--covered", "成员", "--source", "集体经济收益=人民币叁万陆仟玖佰元整", "--flat", "叁佰圆正", "--actor", "甲",
        "--sequence", 9, "--dry-run", "--json",
    )  # fmt: skip
    assert tried.code == 0, tried
    event = tried.json["events"][0]
    assert (event["standard"]["flat"], event["sources"][0]["fen"]) == (300_00, 36_900_00)


def test_wrong_words_are_refused_with_the_right_ones(worded):
    wrong = worded.draft("--flat", "拾元整", "--dry-run", "--sequence", 98, code=64)
    assert "壹拾元整" in wrong.err
    rows = [worded.row(LINES[0], "壹仟肆元整"), worded.row(LINES[1], "一百元")]
    _, refused = declaring(worded, worded.roster(*rows, name="wrong.csv"), "--flat", "1004")
    assert [(one["line"], one["reason"]) for one in refused.json["faults"]] == [(2, "AMOUNT"), (3, "AMOUNT")]
    assert "应写成“壹仟零肆元整”" in refused.json["faults"][0]["text"]
