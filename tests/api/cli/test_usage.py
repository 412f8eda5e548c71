"""Pools, and what a command says to somebody who uses it wrongly: exit codes 1 and 64, never a number repeated."""

import json

import pytest

from ledger.store.pools import find_pool
from migrations.run import migrate
from tests.api.cli.desk import Desk, person

ANNA = person(1)
NOBODY = "00000000-0000-0000-0000-000000000001"
HANDS = ("--actor", "甲", "--reviewer", "乙")


@pytest.fixture(scope="module")
def desk(open_desk) -> Desk:
    return open_desk()


def test_creating_a_pool_again_changes_nothing(desk):
    before = desk.position()
    again = desk.ledger("pool", "create", desk.code, "--name", "测试", "--region", "ningxia")
    assert (again.code, again.err) == (0, "")
    assert desk.position() == before == 1
    for name, region in (("别名", "ningxia"), ("测试", "neimenggu")):
        other = desk.inside("pool", "create", desk.code, "--name", name, "--region", region)
        assert (other.code, other.out) == (1, "")
        assert "不能改为" in other.err
    found = find_pool(desk.log.connections, desk.code)
    assert (found.name, found.region, desk.position()) == ("测试", "ningxia", 1)
    assert f"{desk.code}  测试  ningxia" in desk.inside("pool", "list").out


@pytest.mark.parametrize(
    ("code", "region"),
    [*((code, "ningxia") for code in ("64010", "6401000", "Abc", "a-b", "pg\n")), ("xx", "hebei")],
)
def test_a_pool_that_cannot_be(desk, code, region):
    ended = desk.inside("pool", "create", code, "--name", "某", "--region", region)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("错误：")
    assert find_pool(desk.log.connections, code) is None


def commands(desk, pool):
    """Every command that names a pool, well used but for the pool."""
    people = desk.participants([ANNA])
    paid = desk.payments([desk.payment(ANNA, "1")])
    entered = ("--year", 2023, "--document", "文号", *HANDS)
    return [
        ("import", "participants", people, "--pool", pool, "--actor", "甲"),
        ("import", "openings", people, "--pool", pool, "--as-of", "2021-12-31", *HANDS),
        ("import", "payments", paid, "--pool", pool, "--actor", "甲"),
        ("rules", "set", "--pool", pool, "--name", "cap", "--value", "3000", *entered),
        ("rules", "show", "--pool", pool),
        ("interest", "rate", "set", "--pool", pool, "--rate", "0.02", *entered),
        ("interest", "run", "--pool", pool, "--year", 2023, *HANDS),
        ("interest", "restate", "--pool", pool, "--rate", "0.02", *entered),
        ("entry", "reverse", "--pool", pool, "--account", NOBODY, "--version", 2, "--reason", "错", *HANDS),
        ("participant", "rename", "--pool", pool, "--citizen", ANNA.number, "--name", "新", "--document", "证", *HANDS),
    ]


def test_an_unknown_pool_is_told_with_its_remedy(desk):
    for place, command in enumerate(commands(desk, "999999")):
        ended = (desk.ledger if place == 2 else desk.inside)(*command)
        assert (ended.code, ended.out) == (1, ""), command
        assert "没有统筹区 999999：请先执行 pension-ledger pool create 999999" in ended.err


def test_a_pool_whose_creation_was_cut_short_is_no_pool_yet(desk, connections):
    """Registered, but killed before its rules were opened: told like an unknown one, and created by repeating."""
    code = f"{desk.code}cut"
    with connections.connection() as connection:
        connection.execute("INSERT INTO pension_shared.pool VALUES (%s, '半', 'ningxia')", (code,))
    migrate(connections.url, [code])
    ended = desk.inside("rules", "show", "--pool", code)
    assert (ended.code, f"pool create {code}" in ended.err) == (1, True), ended
    desk.prepare("pool", "create", code, "--name", "半", "--region", "ningxia")
    assert desk.inside("rules", "show", "--pool", code, "--json").code == 0


def test_a_missing_option_of_every_command_is_wrong_usage(desk):
    for command in commands(desk, desk.code):
        for place, word in enumerate(command):
            if str(word).startswith("--") and not (command[0] == "participant" and word == "--pool"):
                ended = desk.inside(*command[:place], *command[place + 2 :])
                assert (ended.code, ended.out) == (64, ""), (command, word)
                assert str(word) in ended.err
    assert desk.position() == 1


def test_empty_words_where_a_person_or_a_document_must_stand(desk):
    """An entry on nobody's word, or without the paper it rests on, is no entry."""
    for command in commands(desk, desk.code):
        for option in ("--actor", "--document", "--reason", "--name"):
            if option in command:
                place = command.index(option) + 1
                ended = desk.inside(*command[:place], "  ", *command[place + 1 :])
                assert ended.code in (1, 64), (command, option)
                assert ended.out == ""
    assert desk.position() == 1


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("import", "nonsense"),
        ("import",),
        (),
        ("interest", "run", "--pool", "x", "--year", "next", *HANDS),
        ("interest", "run", "--pool", "x", "--year", "1989", *HANDS),
        ("interest", "run", "--pool", "x", "--year", "2101", *HANDS),
        ("interest", "run", "--pool", "x", "--year", "2023", "--nonsense", *HANDS),
        ("entry", "reverse", "--pool", "x", "--account", NOBODY, "--version", "0", "--reason", "r", *HANDS),
        ("import", "payments", "/nowhere/file.csv", "--pool", "x", "--actor", "a"),
        ("import", "payments", "/tmp", "--pool", "x", "--actor", "a"),
    ],
)
def test_wrong_usage(desk, words):
    ended = desk.inside(*words)
    assert ended.code == 64, ended
    assert ended.out == "" or "Usage" in ended.out
    assert "Traceback" not in ended.err


def test_wrong_words_are_not_repeated_where_they_could_be_somebody(desk):
    """A number with a wrong check digit, or a right one where an account belongs."""
    wrong = ANNA.number[:-1] + ("0" if ANNA.number[-1] != "0" else "1")
    rename = ("participant", "rename", "--pool", desk.code, "--name", "新", "--document", "证", *HANDS)
    reverse = ("entry", "reverse", "--pool", desk.code, "--version", 2, "--reason", "错", *HANDS)
    openings = ("import", "openings", desk.participants([ANNA]), "--pool", desk.code, *HANDS)
    for place, (command, shown) in enumerate(
        (
            ((*rename, "--citizen", wrong), wrong),
            ((*rename, "--citizen", "王二小"), "王二小"),
            ((*reverse, "--account", ANNA.number), ANNA.number),
            ((*openings, "--as-of", ANNA.number), ANNA.number),
        )
    ):
        ended = (desk.inside if place else desk.ledger)(*command)
        assert (ended.code, ended.out) == (64, "")
        assert shown not in ended.err
    unknown = desk.inside(*rename, "--citizen", ANNA.number)
    assert (unknown.code, "UNKNOWN_PERSON" in unknown.err, ANNA.number in unknown.err) == (1, True, False)
    account = desk.inside(*reverse, "--account", NOBODY)
    assert (account.code, "UNKNOWN_ACCOUNT" in account.err, NOBODY in account.err) == (1, True, True)


def test_help_and_rules_are_there(desk):
    assert desk.inside("--help").code == 0
    shown = desk.ledger("rules", "show", "--pool", desk.code, "--json", "--year", 2023)
    assert json.loads(shown.out)["year"] == 2023
    assert desk.inside("rules", "check").code == 0


@pytest.mark.parametrize(
    ("region", "basis", "cited"),
    [
        ("neimenggu", "collective_and_aid", "内人社办发〔2025〕16号"),
        ("ningxia", "collective_and_aid", "宁人社发〔2024〕93号"),
        ("panzhihua", "collective", "攀枝花市集体经济补助城乡居民基本养老保险参保缴费试点实施意见"),
        ("keqiao", "collective_and_aid", "（征求意见稿）"),
    ],
)
def test_a_region_s_rules_are_shown_without_a_pool_each_with_document_and_clause(desk, region, basis, cited):
    shown = json.loads(desk.inside("rules", "show", "--region", region, "--on", "2025-03-14", "--json").out)
    assert (shown["region"], shown["year"], shown["entered"]) == (region, 2025, [])
    (cap,) = [row for row in shown["methods"] if row["name"] == "cap.basis"]
    assert (cap["value"], cited in cap["document"], bool(cap["clause"])) == (basis, True, True)
    told = desk.inside("rules", "show", "--region", region, "--year", 2025)
    assert (told.code, cap["clause"] in told.out, "由统筹区录入：rate、cap" in told.out) == (0, True, True)
    assert shown["steps"]
    assert json.loads(desk.inside("rules", "show", "--region", region, "--year", 2020, "--json").out)["steps"] == []
    for step in shown["steps"]:
        assert f"{step['title']}（" in told.out
        assert step["clause"] in told.out


@pytest.mark.parametrize(
    ("asked", "code", "named"),
    [
        ((), 64, "--pool / --region"),
        (("--pool", "640100", "--region", "ningxia"), 64, "--pool / --region"),
        (("--region", "ningxia", "--year", 2024, "--on", "2024-01-01"), 64, "--year / --on"),
        (("--region", "ningxia", "--on", "2024-02-30"), 64, "--on"),
        (("--region", "hainan"), 1, "现有：neimenggu、ningxia、panzhihua、keqiao"),
    ],
)
def test_rules_of_nothing_or_of_two_things_are_wrong_usage(desk, asked, code, named):
    ended = desk.inside("rules", "show", *asked)
    assert (ended.code, ended.out, named in ended.err) == (code, "", True), ended
