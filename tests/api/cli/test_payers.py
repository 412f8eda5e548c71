"""Payers, admitted villages, rolls of members and statuses through the installed command."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.store.payers import Payers
from tests.api.cli.desk import Desk, person
from tests.api.cli.village import PAYER, PLACE

HANDS = ("--actor", "甲", "--reviewer", "乙")


@pytest.fixture(scope="module")
def desk(open_desk) -> Desk:
    made = open_desk("neimenggu")
    made.enrol(person(1), person(2))
    return made


def registering(desk, *more, code=PAYER, kind="village_collective", name="青村合作社", hands=HANDS):
    return (
        "payer", "register", "--pool", desk.code, "--code", code, "--kind", kind, "--name", name, "--village", PLACE,
        "--document", "备案表1号", *hands, *more,
    )  # fmt: skip


def confirming(desk, code=PAYER):
    return (
        "payer", "confirm", "--pool", desk.code, "--code", code, "--tax-number", "91T", "--social-code", "S1", "--on",
        "2025-01-20", *HANDS,
    )  # fmt: skip


def members(desk, *rows, name="roll.csv"):
    file = desk.table(name, rows, ("姓名", "公民身份号码", "起", "止"))
    return file, ("payer", "members", file, "--pool", desk.code, "--code", PAYER, "--actor", "甲")


def test_a_payer_is_registered_confirmed_and_changed(desk):
    done = desk.ledger(*registering(desk, "--village-number", "JT0001"))
    assert (done.code, "已登记" in done.out) == (0, True)
    same = desk.inside(*registering(desk, "--village-number", "JT0001"))
    assert (same.code, "未变更" in same.out) == (0, True)
    assert desk.ledger(*confirming(desk)).code == 0
    desk.prepare(*registering(desk, "--village-number", "JT0002"))
    (told,) = desk.inside("payer", "list", "--pool", desk.code, "--json").json
    assert (told["village_number"], told["tax_number"], told["confirmed_on"]) == ("JT0002", "91T", "2025-01-20")
    assert [row[0] for row in desk.query("SELECT version FROM {payer} WHERE code = %s ORDER BY 1", PAYER)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ({"code": "N2150781MF0000005E"}, 1, "校验"),
        ({"code": "N2I50781MF0000005R"}, 1, "统一社会信用代码无效"),
        ({"kind": "bank"}, 64, "village_collective"),
        ({"hands": ("--actor", "甲", "--reviewer", "甲")}, 1, "SAME_PERSON"),
    ],
)
def test_a_payer_that_cannot_be(desk, words, code, said):
    before = desk.query("SELECT count(*) FROM {payer}")
    ended = desk.inside(*registering(desk, **words))
    assert (ended.code, said in ended.err) == (code, True), ended
    assert desk.query("SELECT count(*) FROM {payer}") == before


def test_the_figures_of_a_filing_form_are_kept_with_its_document(desk):
    filed = ("--filed", "100x300", "--filed", "23 × 叁佰元整", "--filed-total", "3.69")
    done = desk.ledger(*registering(desk, *filed))
    assert done.code == 0, done
    (told,) = desk.inside("payer", "list", "--pool", desk.code, "--json").json
    kept = "备案100名×300.00元/人，23名×300.00元/人，合计3.69万元（叁万陆仟玖佰元整）"
    assert told["document"] == f"备案表1号；{kept}"
    words = (*filed[:-1], "人民币叁万陆仟玖佰元整")
    again = desk.inside(*registering(desk, *words))
    assert (again.code, "未变更" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("figures", "code", "said"),
    [
        (("--filed", "123x300", "--filed-total", "36900"), 1, ("FILING", "36900万元", "3.69万元", "附件5")),
        (("--filed", "123x300", "--filed-total", "3.690001"), 1, ("FILING", "36900.01元", "36900.00元")),
        (("--filed", "123x300", "--filed-total", "叁万陆仟玖佰元"), 64, ("叁万陆仟玖佰元整",)),
        (("--filed", "123x300", "--filed-total", "3.6900001"), 64, ("六位",)),
        (("--filed", "123x300"), 64, ("一并给出",)),
        (("--filed-total", "3.69"), 64, ("一并给出",)),
        (("--filed", "300", "--filed-total", "0.03"), 64, ("人数x元",)),
    ],
)
def test_a_filing_form_that_does_not_add_up(desk, figures, code, said):
    before = desk.query("SELECT count(*) FROM {payer}")
    ended = desk.inside(*registering(desk, *figures))
    squeezed = "".join(ended.err.replace("│", "").split())
    assert ended.code == code, ended
    assert [one for one in said if one not in squeezed] == []
    assert desk.query("SELECT count(*) FROM {payer}") == before


def test_a_region_without_a_filing_form_takes_no_figures_of_one(open_desk):
    desk = open_desk("keqiao")
    desk.enrol(person(1))
    ended = desk.inside(*registering(desk, "--filed", "123x300", "--filed-total", "3.69"))
    assert (ended.code, "FORM_UNKNOWN" in ended.err) == (1, True)


def test_nobody_confirms_a_payer_that_is_not_there(desk):
    ended = desk.inside(*confirming(desk, "N2330603MF7654327J"))
    assert (ended.code, "PAYER_UNKNOWN" in ended.err) == (1, True)


def test_a_roll_is_taken_whole_or_returned_whole(desk):
    desk.inside(*registering(desk))
    rows = [{"姓名": one.name, "公民身份号码": one.number} for one in (person(1), person(2))]
    file, command = members(desk, rows[0], {**rows[1], "姓名": "测他"}, {**rows[1], "公民身份号码": "1"})
    ended = desk.ledger(*command)
    assert ended.code == 2
    assert [(row.line, row.reason) for row in desk.results(file)] == [(3, "NAME_DIFFERS"), (4, "IDENTITY_FAULT")]
    assert desk.query("SELECT count(*) FROM {payer_member}") == [(0,)]
    _, command = members(desk, rows[0], {**rows[1], "起": "2025-01-01", "止": "2025-06-30"}, name="good.csv")
    assert desk.ledger(*command).code == 0
    holders = desk.register.find([desk.register.digest(one.number) for one in (person(1), person(2))])
    one, two = (holders[desk.register.digest(who.number)].owner for who in (person(1), person(2)))
    on = [Payers(desk.log).members(PAYER, [one, two], date(2025, month, 1)) for month in (6, 7)]
    assert on == [{one, two}, {one}]


def test_statuses_hold_from_day_to_day(desk):
    who = person(1)
    columns = ("姓名", "公民身份号码", "状态", "起", "止")
    rows = [
        dict(zip(columns, (who.name, who.number, "低保对象", "2025-01-01", "2025-06-30"), strict=True)),
        dict(zip(columns, (who.name, who.number, "领取待遇", "2025-06-01", ""), strict=True)),
    ]
    wrong = desk.table("wrong.csv", [rows[0], {**rows[1], "状态": "富裕"}], columns)
    ended = desk.ledger("import", "status", wrong, "--pool", desk.code, "--actor", "甲")
    assert (ended.code, [row.reason for row in desk.results(wrong)]) == (2, ["KIND"])
    assert desk.query("SELECT count(*) FROM {person_status}") == [(0,)]
    backwards = desk.table("backwards.csv", [{**rows[0], "止": "2024-01-01"}], columns)
    assert desk.inside("import", "status", backwards, "--pool", desk.code, "--actor", "甲").code == 2
    file = desk.table("status.csv", rows, columns)
    assert desk.ledger("import", "status", file, "--pool", desk.code, "--actor", "甲").code == 0
    owner = desk.register.find([desk.register.digest(who.number)])[desk.register.digest(who.number)].owner
    payers = Payers(desk.log)
    on = [payers.statuses([owner], date(2025, month, 15)).get(owner) for month in (5, 6, 7)]
    assert on == [{"minimum_living"}, {"minimum_living", "pensioner"}, {"pensioner"}]


def test_a_payer_command_is_tried_and_is_done_once_under_its_id(desk):
    same = ("--command-id", "0192f0a1-7c1e-7f00-8a4d-93c2b1a0f5e5")
    other = registering(desk, *same, code="N2330603MF7654327J", name="红村合作社")
    tried = desk.inside(*other, "--dry-run")
    assert (tried.code, "试算" in tried.out) == (0, True)
    assert Payers(desk.log).find("N2330603MF7654327J") is None
    first = desk.inside(*other)
    assert (first.code, desk.inside(*other).out) == (0, first.out)
    assert desk.query("SELECT count(*) FROM {payer} WHERE code = %s", "N2330603MF7654327J") == [(1,)]
    changed = desk.inside(*registering(desk, *same, code="N2330603MF7654327J", name="绿村合作社"))
    assert (changed.code, "COMMAND_ID" in changed.err) == (1, True)
