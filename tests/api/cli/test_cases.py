"""Every stored case of the cap, of citizen numbers, credit codes and working days through the public commands.

`tests/ledger` holds the same cases against the decisions themselves; here they are money that commands record, rows of
rosters that are declared and reviewed, people who are enrolled, payers who are registered and steps that fall due.
Every case of the cap and every number goes through the installed command once, in a file; what goes through it by
itself as well is in `ALONE`, since a process takes longer than all the rest of a case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

import pytest

from ledger.identity import normalise_citizen_number, sex_of
from ledger.procedure import read_procedures
from ledger.region_rules import SHIPPED
from projections.verify import verify
from tests.api.cli.desk import Cells, Desk, Ended, Person, ledger, person
from tests.api.cli.village import DONOR, PAYER, PLACE, YEAR, Village

DATA = Path(__file__).parents[2] / "data/cases"
CAP, CITIZEN, CREDIT, DAYS = (
    json.loads((DATA / f"{name}.json").read_text("utf-8"))
    for name in ("cap", "citizen_id", "credit_code", "working_days")
)
HANDS = ("--actor", "甲", "--reviewer", "乙")
ITEMS = {
    "contribution": "个人缴费", "collective_subsidy": "集体补助", "social_aid": "社会资助",
    "government_subsidy": "政府补贴",
}  # fmt: skip
ON = "2025-06-16"


# -- the cap ----------------------------------------------------------------------------------------------------------

CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in CAP["cases"]}
ALONE = ("C-1", "C-2", "C-6a")
"""Accepted, over the cap, below the floor."""
WAYS = ("entry", "file", "roster", "meanwhile")
"""The new money as a command, as a row of tax, as a row of a roster, and as a row declared before the rest came."""


class Town(NamedTuple):
    """A village under one case's cap: for each of its cases somebody for each way, with the existing money recorded."""

    village: Village
    people: dict[tuple[str, str], Person]
    plans: dict[tuple[str, str], UUID]
    rosters: dict[str, str]
    taken_in: dict[str, str]


@pytest.fixture(scope="module")
def town(open_desk: Callable[..., Desk]) -> Callable[[str], Town]:
    """The village in which a case stands, made with all others of its cap when the first of them is asked for.

    A floor is written down in Panzhihua alone; social aid has a procedure in Inner Mongolia alone.
    """
    made: dict[tuple[str, str], Town] = {}

    def town_of(name: str) -> Town:
        place = _place(CASES[name])
        if place not in made:
            made[place] = _built(open_desk(place[0]), place)
        return made[place]

    return town_of


def _place(case: dict[str, Any]) -> tuple[str, str]:
    return "panzhihua" if "floor" in case else "neimenggu", case["cap"]


def _built(desk: Desk, place: tuple[str, str]) -> Town:
    cases = {name: case for name, case in CASES.items() if _place(case) == place}
    people = {
        (name, way): person(500 + 10 * turn + at)
        for turn, name in enumerate(cases)
        for at, way in enumerate(WAYS)
    }  # fmt: skip
    village = Village(desk, tuple(people.values()), cap=place[1])
    if place[0] == "neimenggu":
        village.register(DONOR, "charity")
    plans, rosters = {}, {}
    for turn, (name, case) in enumerate(cases.items()):
        ((kind, yuan),) = case["new"].items()
        for at, way in enumerate(("roster", "meanwhile")):
            sequence = ("--sequence", 2 * turn + at + 1)
            aid = kind == "social_aid"
            words = ("--aid",) if aid else ("--flat", yuan)
            plan = village.plan(*sequence, *words, payer=DONOR if aid else PAYER)
            village.walk(plan, "declared")
            plans[name, way] = plan
        early = _row(village, people[name, "meanwhile"], kind, yuan)
        if _fits_alone(case):
            rosters[name] = village.declare(plans[name, "meanwhile"], early, name=f"{name}-early.csv").json["roster"]
            village.walk(plans[name, "meanwhile"], "reviewed", rosters[name])
        for way in WAYS:
            _record_existing(desk, people[name, way], case)
    return Town(village, people, plans, rosters, _taken_in(desk, cases, people))


def _fits_alone(case: dict[str, Any]) -> bool:
    ((_, yuan),) = case["new"].items()
    return float(yuan) <= float(case["cap"])


def _row(village: Village, who: Person, kind: str, yuan: str) -> Cells:
    return village.row(who, yuan, 补助或资助类型=ITEMS[kind])


def _entry(desk: Desk, who: Person, kind: str, yuan: str) -> tuple[object, ...]:
    return (
        "entry", "record", "--pool", desk.code, "--account", desk.account(who), "--kind", kind, "--amount", yuan,
        "--on", ON, "--actor", "甲", "--json",
    )  # fmt: skip


def _record_existing(desk: Desk, who: Person, case: dict[str, Any]) -> None:
    """What is booked already; what a case says was reversed is booked and reversed."""
    for kind, yuan in case["existing"].items():
        if float(yuan):
            desk.prepare(*_entry(desk, who, kind, yuan))
    for kind, yuan in case.get("reversed", {}).items():
        version = desk.inside(*_entry(desk, who, kind, yuan)).json["version"]
        desk.prepare(
            "entry", "reverse", "--pool", desk.code, "--account", desk.account(who), "--version", version,
            "--reason", "错录", *HANDS,
        )  # fmt: skip


def _taken_in(desk: Desk, cases: dict[str, Any], people: dict[tuple[str, str], Person]) -> dict[str, str]:
    """What came of each case's new money in one file of tax, by the installed command: text, empty where it is booked.

    A direct command and a row of tax book what the treasury received, so the floor of a plan binds neither.
    """
    rows = []
    for name, case in cases.items():
        ((kind, yuan),) = case["new"].items()
        rows.append(desk.payment(people[name, "file"], name, yuan, ON, 征收品目=ITEMS[kind]))
    file = desk.payments(rows, "new.csv")
    ended = desk.import_("payments", file)
    results = desk.results(file)
    assert ended.code == (2 if any(one.reason for one in results) else 0), ended
    return {one.serial: f"{one.reason} {one.text}" if one.reason else "" for one in results}


def _required_excess(case: dict[str, Any], told: str) -> None:
    assert "OVER_CAP" in told
    assert f"超出{case['excess']}元" in told
    assert f"最高缴费档次{case['cap']}元" in told


def _over_cap(case: dict[str, Any]) -> bool:
    return "excess" in case


@pytest.mark.parametrize("name", CASES)
def test_money_under_the_cap_as_a_command_and_as_a_row_of_tax(town, name):
    """What the treasury received is booked up to the cap, whatever a plan's floor says (C-6a)."""
    case, made = CASES[name], town(name)
    ((kind, yuan),) = case["new"].items()
    desk, who = made.village.desk, made.people[name, "entry"]
    before, position = desk.fen(who), desk.position()
    ended = (desk.ledger if name in ALONE else desk.inside)(*_entry(desk, who, kind, yuan))
    if _over_cap(case):
        assert (ended.code, ended.out, desk.position()) == (1, "", position)
        _required_excess(case, ended.err)
        _required_excess(case, made.taken_in[name])
        assert desk.fen(who) == desk.fen(made.people[name, "file"]) == before
        return
    assert (ended.code, made.taken_in[name]) == (0, ""), ended
    assert desk.fen(who) == desk.fen(made.people[name, "file"]) == before + _fen(yuan)


@pytest.mark.parametrize("name", CASES)
def test_money_under_the_cap_as_a_row_of_a_roster(town, name):
    case, made = CASES[name], town(name)
    ((kind, yuan),) = case["new"].items()
    village, who, plan = made.village, made.people[name, "roster"], made.plans[name, "roster"]
    row, position = _row(village, who, kind, yuan), village.desk.position()
    if _over_cap(case):
        ended = village.declare(plan, row, name=f"{name}.csv", code=2, outside=name in ALONE)
        ((line, told),) = [(one["line"], f"{one['reason']} {one['text']}") for one in ended.json["faults"]]
        assert (line, village.desk.position()) == (2, position)
        _required_excess(case, told)
        assert village.show(plan)["rosters"] == []
        return
    roster = village.declare(plan, row, name=f"{name}.csv").json["roster"]
    village.walk(plan, "reviewed", roster)
    if not case["accepted"]:
        _held_to_the_floor(village, plan, roster, case)
    else:
        ended = village.review(plan, roster, outside=name in ALONE)
        assert (ended.code, ended.json["accounts"]) == (0, 1), ended
    assert village.declared_fen(who) == _fen(yuan)


def _held_to_the_floor(village: Village, plan: UUID, roster: str, case: dict[str, Any]) -> None:
    """S2 三（三）: 原则上 not below the floor, so only with a reviewer's reason."""
    position = village.desk.position()
    bare = village.review(plan, roster)
    ((reason, told),) = [(one["reason"], one["text"]) for one in bare.json["faults"]]
    assert (bare.code, reason, village.desk.position()) == (2, "BELOW_FLOOR", position)
    assert f"原则上不少于每人{case['floor']}元/年" in told
    assert "三、工作内容（三）补助标准" in told
    blank = village.review(plan, roster, "--floor-reason", "  ")
    assert (blank.code, village.desk.position()) == (2, position)
    reasoned = village.review(plan, roster, "--floor-reason", "集体收益有限，经乡镇同意", outside=True)
    assert (reasoned.code, reasoned.json["events"][1]["floor_reason"]) == (0, "集体收益有限，经乡镇同意")


@pytest.mark.parametrize("name", CASES)
def test_what_came_after_a_roster_was_declared_counts_at_its_review(town, name):
    """The room is taken at the review, on what the account holds then."""
    case, made = CASES[name], town(name)
    ((kind, yuan),) = case["new"].items()
    village, who, plan = made.village, made.people[name, "meanwhile"], made.plans[name, "meanwhile"]
    if not _fits_alone(case):
        row = _row(village, who, kind, yuan)
        ended = village.declare(plan, row, name=f"{name}-early.csv", code=2)
        _required_excess(case, ended.out)
        return
    position = village.desk.position()
    ended = village.review(plan, made.rosters[name])
    if _over_cap(case):
        assert (ended.code, village.desk.position(), village.declared_fen(who)) == (2, position, 0)
        _required_excess(case, ended.out)
    elif case["accepted"]:
        assert (ended.code, village.declared_fen(who)) == (0, _fen(yuan))


@pytest.mark.parametrize("place", sorted({_place(case) for case in CASES.values()}), ids=str)
def test_the_books_of_the_cases_prove_themselves(town, place):
    assert verify(town(next(name for name in CASES if _place(CASES[name]) == place)).village.desk.log) == []


def _fen(yuan: str) -> int:
    whole, _, cents = yuan.partition(".")
    return int(whole) * 100 + int(cents)


def test_the_cap_is_that_of_the_year_of_the_aid(open_desk):
    """C-8: aid for 2024 that comes in 2025 is held to the cap of 2024, and leaves 2025 its own."""
    who = person(590)
    village = Village(open_desk("ningxia"), (who,), cap="5000.00")
    desk = village.desk
    desk.prepare(
        "payer", "admit", "--pool", desk.code, "--village", PLACE, "--since", f"{YEAR - 1}-01-01", "--document",
        "名单", *HANDS,
    )  # fmt: skip
    desk.set("cap", YEAR - 1, "3000.00")
    desk.pay(desk.payment(who, "P24", "200.00", "2025-02-10", 费款所属期=str(YEAR - 1), 缴费类型="正常应缴"))
    late = ("--period", str(YEAR - 1))
    over = desk.inside(*_entry(desk, who, "collective_subsidy", "3000.01"), *late)
    assert (over.code, "超出0.01元" in over.err, f"{YEAR - 1}年度" in over.err) == (1, True, True)
    plans = {
        year: village.plan("--flat", "3000.01", "--sequence", turn, year=year)
        for turn, year in enumerate((YEAR - 1, YEAR), 1)
    }
    for year, plan in plans.items():
        village.walk(plan, "declared")
        row = village.row(who, "3000.01")
        ended = village.declare(plan, row, name=f"{year}.csv", code=2 if year < YEAR else 0)
        assert year == YEAR or "超出0.01元" in ended.json["faults"][0]["text"]
    desk.prepare(*_entry(desk, who, "collective_subsidy", "3000.00"), *late)
    desk.prepare(*_entry(desk, who, "collective_subsidy", "5000.00"))
    full = desk.inside(*_entry(desk, who, "social_aid", "0.01"))
    assert (full.code, "超出0.01元" in full.err, f"{YEAR}年度" in full.err) == (1, True, True)


@pytest.mark.parametrize(("region", "clause"), [("neimenggu", "附件1 一、实施范围"), ("keqiao", "2、补助对象")])
def test_who_draws_a_pension_is_aided_but_not_subsidised(open_desk, region, clause):
    """C-9: S0 附件1 一 and S3 二 leave pensioners out of the collective subsidy, and nobody out of social aid."""
    who = person(591)
    village = Village(open_desk(region), (who,))
    village.status(who, "领取待遇")
    plan = village.plan()
    village.walk(plan, "list_checked" if region == "keqiao" else "declared")
    (fault,) = village.declare(plan, village.row(who), code=2).json["faults"]
    assert (fault["reason"], clause in fault["text"]) == ("PENSIONER", True)
    if region == "neimenggu":
        village.register(DONOR, "charity")
        aid = village.plan("--aid", "--sequence", "2", payer=DONOR)
        row = _row(village, who, "social_aid", "1000.00")
        roster = village.declare(aid, row, name="aid.csv").json["roster"]
        village.walk(aid, "reviewed", roster)
        assert village.review(aid, roster).code == 0
        assert village.declared_fen(who) == 1000_00
    village.desk.prepare(*_entry(village.desk, who, "social_aid", "500.00"))


# -- citizen numbers --------------------------------------------------------------------------------------------------

BECAUSE = {"check character": "校验码不符", "no such date": "不是有效的出生日期", "length": "应为 18 位"}
GOOD: dict[str, str] = {
    **{case["number"]: case.get("normalised", case["number"]) for case in CITIZEN["valid"]},
    **{case["number"]: case["upgraded"] for case in CITIZEN["legacy"]},
}
"""Each number that is well, as it is written and as it is kept."""
BAD: dict[str, str] = {case["number"]: BECAUSE[case["because"]] for case in CITIZEN["invalid"]}


class Counted(NamedTuple):
    """A village whose members are the people of the stored numbers, and how their enrolment ended."""

    village: Village
    named: dict[str, Person]
    enrolled: Ended
    results: dict[str, tuple[str, str, str]]


@pytest.fixture(scope="module")
def counted(open_desk: Callable[..., Desk]) -> Counted:
    """All numbers of the cases in one file of participants, through the installed command."""
    desk = open_desk("ningxia")
    numbers = [*GOOD, *BAD]
    named = {number: Person(number, f"测{'甲乙丙丁戊己庚辛壬癸子丑寅卯辰'[at]}") for at, number in enumerate(numbers)}
    rows = [desk.enrolment(one, 性别=_sex(one.number)) for one in named.values()]
    file = desk.participants(rows, "numbers.csv")
    ended = desk.import_("participants", file)
    results = {
        number: (one.outcome, one.reason, one.text) for number, one in zip(numbers, desk.results(file), strict=True)
    }
    people = tuple(Person(kept, named[number].name) for number, kept in GOOD.items())
    return Counted(Village(desk, people), named, ended, results)


def _sex(number: str) -> str:
    try:
        return "男" if sex_of(normalise_citizen_number(number)) == "male" else "女"
    except ValueError:
        return "男"


def _unnamed(text: str) -> None:
    """No number of a case, however written, and no birthday of one stands in a text."""
    for number in (*GOOD, *GOOD.values(), *BAD):
        assert number.upper() not in text.upper()
        assert number[6:14] not in text


@pytest.mark.parametrize("number", GOOD)
def test_a_number_that_is_well_is_enrolled_under_its_one_spelling(counted, number):
    outcome, reason, _ = counted.results[number]
    assert (counted.enrolled.code, outcome, reason) == (2, "已记账", "")
    desk = counted.village.desk
    for spelling in {number, GOOD[number], GOOD[number].lower(), f"{GOOD[number][:6]} {GOOD[number][6:]}"}:
        told = desk.inside("events", "--pool", desk.code, "--citizen", spelling, "--json")
        assert told.json["account"] == str(desk.register.account_of(GOOD[number]))
        again = desk.inside(*_opening(desk, spelling, counted.named[number].name))
        assert (again.code, "ALREADY_OPEN" in again.err) == (1, True)
        _unnamed(told.out + told.err + again.out + again.err)


@pytest.mark.parametrize("number", BAD)
def test_a_number_that_cannot_be_is_refused_with_its_rule(counted, number):
    outcome, reason, text = counted.results[number]
    assert (outcome, reason, BAD[number] in text, "“公民身份号码”" in text) == ("已拒绝", "IDENTITY_FAULT", True, True)
    desk, position = counted.village.desk, counted.village.desk.position()
    single = desk.inside(*_opening(desk, number, "测无"))
    assert (single.code, BAD[number] in single.err, desk.position()) == (64, True, position)
    _unnamed(text + single.out + single.err + counted.enrolled.out + counted.enrolled.err)


def _opening(desk: Desk, number: str, name: str) -> tuple[object, ...]:
    return (
        "account", "open", "--pool", desk.code, "--citizen", number, "--name", name, "--division", PLACE,
        "--opened-on", "2019-01-02", "--actor", "甲",
    )  # fmt: skip


def test_numbers_on_a_roster(counted):
    """All that are well on one roster, as they are written; with those that cannot be it is returned whole."""
    village, desk = counted.village, counted.village.desk
    plan = village.plan()
    village.walk(plan, "declared")
    rows = {number: village.row(counted.named[number], 性别=_sex(number)) for number in (*GOOD, *BAD)}
    position = desk.position()
    mixed = village.declare(plan, *rows.values(), name="mixed.csv", code=2, outside=True)
    assert desk.position() == position
    faults = {one["line"]: one for one in mixed.json["faults"]}
    lines = {number: line for line, number in enumerate(rows, 2)}
    assert set(faults) == {lines[number] for number in BAD}
    for number, rule in BAD.items():
        assert faults[lines[number]]["reason"] == "IDENTITY_FAULT"
        assert rule in faults[lines[number]]["text"]
    _unnamed(mixed.out + mixed.err + (desk.folder / "mixed.csv.result.csv").read_text("utf-8"))
    good = village.declare(plan, *(rows[number] for number in GOOD), name="good.csv")
    _unnamed(good.out + good.err)
    village.walk(plan, "reviewed", good.json["roster"])
    assert village.review(plan, good.json["roster"]).json["accounts"] == len(GOOD)


# -- credit codes -----------------------------------------------------------------------------------------------------

NO_CODE = {"N2150781MF0000005E": "校验码不符", "N2I50781MF0000005R": "不含 I、O、S、V、Z"}


@pytest.fixture(scope="module")
def payers(open_desk: Callable[..., Desk]) -> Village:
    """A village whose payers are yet to come."""
    return Village(open_desk("ningxia"), (person(592),))


def _registering(desk: Desk, code: str) -> tuple[object, ...]:
    return (
        "payer", "register", "--pool", desk.code, "--code", code, "--kind", "village_collective", "--name",
        "青村合作社", "--village", PLACE, "--document", "备案表1号", *HANDS,
    )  # fmt: skip


def _registered(desk: Desk) -> set[str]:
    return {one["code"] for one in desk.inside("payer", "list", "--pool", desk.code, "--json").json}


@pytest.mark.parametrize("code", [*CREDIT["valid"], *CREDIT["normalised"]])
def test_a_code_that_is_well_is_registered_and_plans(payers, code):
    desk, kept = payers.desk, CREDIT["normalised"].get(code, code)
    assert desk.inside(*_registering(desk, code)).code == 0
    assert kept in _registered(desk)
    known = len(desk.query("SELECT FROM {subsidy_plan}"))
    drafted = payers.draft("--sequence", known + 1, payer=code)
    assert payers.show(UUID(drafted.json["plan"]))["payer"] == kept


@pytest.mark.parametrize("code", CREDIT["invalid"])
def test_a_code_that_cannot_be_is_refused_with_its_rule(payers, code):
    desk, before = payers.desk, _registered(payers.desk)
    ended = desk.inside(*_registering(desk, code))
    assert (ended.code, NO_CODE[code] in ended.err) == (1, True), ended
    assert _registered(desk) == before
    plan = payers.draft(payer=code, code=64)
    assert NO_CODE[code] in plan.err
    entry = desk.inside(*_entry(desk, payers.people[0], "collective_subsidy", "1.00"), "--payer", code)
    assert (entry.code, NO_CODE[code] in entry.err) == (64, True)


# -- working days -----------------------------------------------------------------------------------------------------

START = date.fromisoformat(DAYS["start"])
DUE = {int(days): date.fromisoformat(day) for days, day in DAYS["due"].items()}
NEXT = timedelta(days=1)


@pytest.fixture
def procedures(tmp_path: Path) -> Iterator[Callable[[str, str, int], None]]:
    """Gives every command a copy of a region's procedure in which a period is of other length: the period is data."""
    (tmp_path / "procedures").mkdir()
    copied = cache(partial(read_procedures, folder=tmp_path))
    pages = ("api.cli.plan", "ledger.desk.plans", "tests.api.cli.village")

    def copy(region: str, word: str, days: int) -> None:
        shipped = (SHIPPED / "procedures" / f"{region}.toml").read_text("utf-8")
        written = {"within": "within = 3\n", "public_days": "public_days = 5\n"}[word]
        assert written in shipped
        other = shipped.replace(written, f"{word} = {days}\n")
        (tmp_path / "procedures" / f"{region}.toml").write_text(other, "utf-8")

    with ExitStack() as patched:
        for page in pages:
            patched.enter_context(mock.patch(f"{page}.read_procedures", copied))
        yield copy


@cache
def _village(open_desk: Callable[..., Desk], region: str) -> Village:
    return Village(open_desk(region), (person(593),))


def _fresh(village: Village) -> UUID:
    village.day = START - timedelta(days=60)
    return village.plan("--sequence", 1 + len(village.desk.query("SELECT FROM {subsidy_plan}")))


def _shown(village: Village, plan: UUID, step: str) -> Any:
    told = village.show(plan)
    every = [*told["next"], *(one for roster in told["rosters"] for one in roster["next"])]
    return next(one for one in every if one["step"] == step)


def _public(village: Village, days: int, *, outside: bool = False) -> None:
    """公示 begins on the case's day: the next step may be taken from the day after the period, not before."""
    region = village.desk.region
    public, following = {
        "panzhihua": ("plan_public", "township_agreed"), "keqiao": ("list_public", "township_agreed"),
    }[region]  # fmt: skip
    plan, roster = _fresh(village), ""
    if region == "keqiao":
        village.walk(plan, "list_checked")
        row = village.row(village.people[0])
        roster = village.declare(plan, row, name=f"public-{days}-{outside}.csv").json["roster"]
    village.walk(plan, public, roster)
    assert village.step(plan, public, roster=roster, on=START).code == 0
    assert _shown(village, plan, following)["from"] == (DUE[days] + NEXT).isoformat()
    early = village.step(plan, following, roster=roster, actor="乙", on=DUE[days], outside=outside)
    assert (early.code, "STEP_TOO_EARLY" in early.err) == (1, True), early
    assert f"须满{days}个工作日（至{DUE[days].isoformat()}）" in early.err
    assert village.step(plan, following, roster=roster, actor="乙", on=DUE[days] + NEXT).code == 0


def _within(village: Village, days: int, *, outside: bool = False) -> None:
    """初审 on the case's day: the entry is due on the last day of the period, and late from the day after."""
    for on in (DUE[days], DUE[days] + NEXT):
        plan = _fresh(village)
        village.walk(plan, "declared")
        row = village.row(village.people[0])
        roster = village.declare(plan, row, name=f"within-{days}-{on}-{outside}.csv").json["roster"]
        assert village.step(plan, "first_checked", roster=roster, on=START).code == 0
        assert _shown(village, plan, "entered")["until"] == DUE[days].isoformat()
        ended = village.step(plan, "entered", roster=roster, on=on, outside=outside and on > DUE[days])
        (event,) = ended.json["events"]
        assert (event["due_on"], event.get("late", False)) == (DUE[days].isoformat(), on > DUE[days])


@pytest.mark.parametrize(("region", "days"), [("panzhihua", 5), ("keqiao", 5)])
def test_five_working_days_of_publicity(open_desk, region, days):
    """S2 附件1 一, S3 五（二）: 公示不少于5个工作日."""
    _public(_village(open_desk, region), days, outside=True)


def test_within_three_working_days(open_desk):
    """S0 附件1 三: 于3个工作日内录入信息系统."""
    _within(_village(open_desk, "neimenggu"), 3, outside=True)


@pytest.mark.parametrize("days", DUE)
def test_a_period_falls_due_as_the_table_says_through_the_command(tmp_path, days):
    told = ledger(tmp_path, "rules", "due", "--from", START, "--days", days, "--json")
    assert (told.code, told.json["due"], told.json["provisional"]) == (0, DUE[days].isoformat(), False)


def test_a_day_beyond_the_published_calendar_is_provisional(tmp_path):
    told = ledger(tmp_path, "rules", "due", "--from", "2031-09-25", "--days", 5)
    assert (told.code, "至 2031-10-02" in told.out, "尚未公布" in told.err) == (0, True, True)
    assert ledger(tmp_path, "rules", "due", "--from", "2031-09-25", "--days", 0).code == 64


@pytest.mark.parametrize("days", DUE)
def test_any_other_period_falls_due_as_the_table_says(open_desk, procedures, days):
    """The shipped procedures know periods of 3 and 5 days; the table's others in copies that differ in that alone."""
    procedures("neimenggu", "within", days)
    _within(_village(open_desk, "neimenggu"), days)
    procedures("panzhihua", "public_days", days)
    _public(_village(open_desk, "panzhihua"), days)


# -- none forgotten ---------------------------------------------------------------------------------------------------


def test_no_case_is_left_out():
    """Whatever the stored files hold is one of the rows above."""
    assert [case["id"] for case in CAP["cases"]] == list(CASES)
    assert {len(CAP["cases"]), len(GOOD), len(BAD), len(DUE)} == {9, 8, 5}
    assert set(CITIZEN) == {"about", "valid", "invalid", "legacy"}
    assert set(CREDIT) == {"about", "valid", "normalised", "invalid"}
    assert set(NO_CODE) == set(CREDIT["invalid"])
    assert {3, 5} < set(DUE)
