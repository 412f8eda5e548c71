"""Rates, the annual interest and its restatement through the installed command; reports against the log."""

import json
from collections import defaultdict
from fractions import Fraction

import pytest

from ledger import clock
from ledger.region_rules import ValueEntered
from ledger.words import KINDS
from tests.api.cli.desk import person

HANDS = ("--actor", "甲", "--reviewer", "乙")
PEOPLE = [person(place) for place in range(1, 13)]


@pytest.fixture(scope="module")
def desk(open_desk):
    """Two counties, all money kinds, first money in 2022 or 2023, somebody without any."""
    made = open_desk()
    made.enrol(*PEOPLE[:7])
    made.enrol(*PEOPLE[7:], 旗县="赤县")
    made.set("cap", 2022, "3000")
    items = ("个人缴费", "政府代缴", "集体补助", "社会资助", "政府补贴")
    rows = [
        made.payment(who, f"I{place}{item}", f"{37 * place + 11.11:.2f}", f"2022-{place + 1:02d}-05", 征收品目=item)
        for place, who in enumerate(PEOPLE[:10], 1)
        for item in items
    ]  # fmt: skip
    rows.append(made.payment(PEOPLE[10], "I11", yuan="1000", on="2023-03-03"))
    made.pay(*rows)
    return made


def rate(desk, year, value, *hands, document="示例文号", inside=True):
    way = desk.inside if inside else desk.ledger
    return way(
        "interest", "rate", "set", "--pool", desk.code, "--year", year, "--rate", value, "--document", document,
        *(hands or HANDS),
    )  # fmt: skip


def run(desk, year, *more, hands=HANDS, inside=False):
    return (desk.inside if inside else desk.ledger)(
        "interest", "run", "--pool", desk.code, "--year", year, *hands, *more
    )


def restate(desk, year, value, *more, hands=HANDS, document="更正文号", inside=False):
    return (desk.inside if inside else desk.ledger)(
        "interest", "restate", "--pool", desk.code, "--year", year, "--rate", value, "--document", document, *hands,
        *more,
    )  # fmt: skip


def of_log(desk, topic, year, after=0):
    """Sum and count of the interest of a year in the log, by county."""
    rows = desk.query(
        "SELECT split_part(h.division, '.', 2), count(*),"
        " sum((convert_from(e.state, 'UTF8')::jsonb -> 'effect' ->> 'interest')::bigint)"
        " FROM {ledger_events} e JOIN {account_holder} h ON h.account_id = e.originator_id"
        " WHERE e.topic = %s AND (convert_from(e.state, 'UTF8')::jsonb ->> 'year')::int = %s AND notification_id > %s"
        " GROUP BY 1",
        topic, year, after,
    )  # fmt: skip
    return {f"{desk.code}.{county}": (count, int(total or 0)) for county, count, total in rows}


def balance_of_log(desk, through, position):
    """What all money effective by the end of a year sums to, as it stood at a position."""
    ((total,),) = desk.query(
        "SELECT coalesce(sum(value::bigint), 0) FROM {ledger_events} e,"
        " jsonb_each_text(convert_from(e.state, 'UTF8')::jsonb -> 'effect')"
        " WHERE convert_from(e.state, 'UTF8')::jsonb ->> 'effective_on' <= %s AND notification_id <= %s",
        f"{through}-12-31", position,
    )  # fmt: skip
    return int(total)


def fen(yuan):
    return int(yuan.replace(".", ""))


def test_a_year_from_its_rate_to_its_restatement(desk):
    this_year = clock.today().year
    unknown = ("rules", "set", "--pool", desk.code, "--year", 2022, "--value", "1", "--document", "d")
    refusals = [
        (run(desk, 2022), "NO_RATE"),
        (run(desk, this_year, inside=True), "YEAR_NOT_ENDED"),
        (run(desk, 2022, hands=("--actor", "甲", "--reviewer", "甲"), inside=True), "SAME_PERSON"),
        (run(desk, 2022, hands=("--actor", "甲", "--reviewer", " "), inside=True), "SAME_PERSON"),
        (rate(desk, 2022, "0.02", "--actor", "甲", "--reviewer", " 甲 "), "SAME_PERSON"),
        (rate(desk, 2022, "2.62"), "RULE_VALUE"),
        (rate(desk, 2022, "-0.01"), "RULE_VALUE"),
        (rate(desk, 2022, "nan"), "RULE_VALUE"),
        (rate(desk, this_year + 2, "0.02"), "PERIOD"),
        (desk.inside(*unknown, "--name", "cup", *HANDS), "RULE_VALUE"),
    ]  # fmt: skip
    for ended, reason in refusals:
        assert (ended.code, ended.out) == (1, "")
        assert f"拒绝 {reason}" in ended.err
        assert "办法：" in ended.err

    # Rates are events with document, handler and reviewer.
    before = desk.position()
    assert rate(desk, 2022, "0.0262", document="人社发示例1号", inside=False).code == 0
    assert rate(desk, 2022, "0.0262", document="人社发示例1号").code == 0
    assert rate(desk, 2023, "0.0197").code == 0
    assert desk.position() == before + 2
    entered = desk.log.rules().figure("rate", 2022)
    assert entered == ValueEntered(
        actor="甲", reviewer="乙", name="rate", year=2022, value="0.0262", document="人社发示例1号"
    )

    # A later year first: who has money since the earlier one waits; who begins with it does not.
    waiting = run(desk, 2023, "--dry-run", "--json", inside=True)
    assert (waiting.code, waiting.json["waiting"], waiting.json["credited"]) == (0, 10, 1)

    # A dry run says what the run will, and records nothing.
    before = desk.position()
    dry = run(desk, 2022, "--dry-run", "--json")
    assert desk.position() == before
    real = run(desk, 2022, "--json")
    told = real.json
    assert (dry.code, real.code) == (0, 0)
    assert {**dry.json, "dry_run": False} == told
    assert (told["credited"], told["already_credited"], told["waiting"], told["refused"]) == (10, 0, 0, {})
    assert told["without_money"] == 2
    assert told["rate_document"] == "人社发示例1号"

    # The report against the log.
    logged = of_log(desk, "account.interest_credited", 2022)
    assert {county: (one["accounts"], fen(one["interest"])) for county, one in told["by_county"].items()} == logged
    assert len(logged) == 2
    assert fen(told["interest"]) == sum(total for _, total in logged.values())
    assert fen(told["before"]) == balance_of_log(desk, 2022, before)
    assert fen(told["after"]) == balance_of_log(desk, 2022, desk.position())
    assert fen(told["before"]) + fen(told["interest"]) == fen(told["after"])
    assert sum(fen(one) for one in told["by_kind"].values()) == fen(told["interest"])
    assert told["by_kind"]["collective_subsidy"] != "0.00"
    months = defaultdict(int)
    for who in PEOPLE[:10]:
        event = desk.history(who)[-1]
        assert (event.actor, event.reviewer, event.rate) == ("甲", "乙", "0.0262")
        for part in (event.fen_months.opening, event.fen_months.entries, event.fen_months.deducted):
            for kind in KINDS:
                months[kind] += part.of(kind)
    exact = Fraction("0.0262") / 12 * sum(months.values())
    assert Fraction(told["interest_unrounded"]) == round(exact * 10**6) / Fraction(10**8)
    assert abs(exact - fen(told["interest"])) <= 5  # ten accounts, each rounded by at most half a fen

    # Again: nothing. Then the next year: everybody.
    before = desk.position()
    again = run(desk, 2022)
    assert (again.code, desk.position()) == (0, before)
    assert "本次结息 0 户；此前已结 10 户" in again.out
    assert "青县：" not in again.out
    second = run(desk, 2023, "--json", inside=True)
    assert (second.code, second.json["credited"], second.json["waiting"]) == (0, 11, 0)
    assert fen(second.json["after"]) == balance_of_log(desk, 2023, desk.position())

    # A credited year's rate is changed by restating, not by setting.
    refused = rate(desk, 2022, "0.03", inside=False)
    assert (refused.code, "ALREADY_CREDITED" in refused.err, "interest restate" in refused.err) == (1, True, True)
    assert rate(desk, 2022, "0.0262", document="另一文号").code == 1
    alone = restate(desk, 2022, "0.03", hands=("--actor", "甲", "--reviewer", "甲"), inside=True)
    assert (alone.code, "SAME_PERSON" in alone.err) == (1, True)
    before = desk.position()
    changed = restate(desk, 2022, "0.03", "--json")
    assert (changed.code, changed.json["restated"], changed.json["not_credited"]) == (0, 10, 2)
    adjusted = [of_log(desk, "account.interest_adjusted", year, before) for year in (2022, 2023)]
    assert all(adjusted)  # the next year earns on the difference
    assert fen(changed.json["difference"]) == sum(total for one in adjusted for _, total in one.values())
    for who in PEOPLE[:10]:
        assert desk.state(who).balance.interest == sum(event.effect.interest for event in desk.history(who)[1:])
    before = desk.position()
    repeated = restate(desk, 2022, "0.03", "--json", inside=True)
    assert (repeated.code, repeated.json["restated"], repeated.json["unchanged"]) == (0, 0, 10)
    assert repeated.json["difference"] == "0.00"
    assert desk.position() == before
    assert run(desk, 2022, inside=True).code == 0
    assert desk.position() == before

    # And back: every account stands where an undisturbed history would have brought it.
    assert restate(desk, 2022, "0.0262", inside=True).code == 0
    assert balance_of_log(desk, 2022, desk.position()) == fen(told["after"])
    assert balance_of_log(desk, 2023, desk.position()) == fen(second.json["after"])


def test_the_report_for_people_names_counties_and_kinds(open_desk):
    desk = open_desk()
    desk.enrol(PEOPLE[0])
    desk.pay(desk.payment(PEOPLE[0], "1", yuan="120000", on="2021-12-31"))
    desk.set("rate", 2021, "0.02")
    desk.set("rate", 2022, "0.02")
    assert run(desk, 2021, inside=True).out.count("0.00 元") >= 1
    ended = run(desk, 2022)
    assert ended.code == 0
    assert "本次结息 1 户" in ended.out
    assert "结息前 120,000.00 ＋ 利息 2,400.00 ＝ 结息后 122,400.00 元" in ended.out
    assert "青县：1 户，利息 2,400.00 元" in ended.out
    assert "按来源 个人缴费：2,400.00 元" in ended.out
    assert desk.topics(PEOPLE[0])[-2:] == ["account.interest_credited"] * 2


def test_a_rate_cannot_slip_in_beside_a_run(open_desk, monkeypatch):
    """Between the question whether a year is credited and the record of its rate, a run credits it."""
    from ledger.jobs import rule_entry

    desk = open_desk()
    desk.enrol(PEOPLE[0])
    desk.pay(desk.payment(PEOPLE[0], "1", on="2021-12-31"))
    desk.set("rate", 2021, "0.02")
    asked = rule_entry.enter_value

    def beside(*arguments, **said):
        answer = asked(*arguments, **said)
        monkeypatch.setattr(rule_entry, "enter_value", asked)
        assert run(desk, 2021).code == 0
        return answer

    monkeypatch.setattr(rule_entry, "enter_value", beside)
    ended = rate(desk, 2021, "0.03")
    assert (ended.code, "ALREADY_CREDITED" in ended.err) == (1, True)
    assert desk.log.rules().rate(2021).text == "0.02"


def test_json_stands_alone_on_stdout_of_every_command_that_has_it(open_desk):
    desk = open_desk()
    who = PEOPLE[0]
    people = desk.participants([who, PEOPLE[1]])
    paid = desk.payments([desk.payment(who, "J1", on="2022-05-05", 备注="x")])
    pool = ("--pool", desk.code)
    told = []
    for place, command in enumerate((
        ("import", "participants", people, *pool, "--actor", "甲"),
        ("import", "payments", paid, *pool, "--actor", "甲"),
        ("rules", "show", *pool),
    )):  # fmt: skip
        ended = (desk.inside if place == 2 else desk.ledger)(*command, "--json")
        assert ended.code == 0
        assert ended.out.count("\n") == 1
        told.append(json.loads(ended.out))
    assert [one.get("kind") for one in told[:2]] == ["participants", "payments"]
    assert "以下各列不使用" in desk.import_("payments", paid, "--json", inside=True).err
    reverse = ("entry", "reverse", *pool, "--account", desk.account(who), "--version", 2, "--reason", "错", *HANDS)
    ended = desk.ledger(*reverse, "--json")
    (event,) = ended.json["events"]
    assert (event["topic"], event["year"], event["amount"]) == ("account.entry_reversed", 2022, "-100.00")
    refused = desk.inside(*reverse, "--json")
    assert (refused.code, refused.out) == (1, "")
