"""`import openings` through the installed command: once, before other money, by two people, undone by a reversal."""

from tests.api.cli.desk import RECORDED, THERE, person

COLUMNS = ("公民身份号码", "个人缴费", "政府代缴", "集体补助", "社会资助", "政府补贴", "利息")
ANNA, BELA, CELA, DORA = person(1), person(2), person(3), person(4)


def opening(who, **amounts):
    return {"公民身份号码": who.number, **amounts}


def openings(desk, file, *more, as_of="2021-12-31", actor="甲", reviewer="乙", inside=False):
    return (desk.inside if inside else desk.ledger)(
        "import", "openings", file, "--pool", desk.code, "--as-of", as_of, "--actor", actor, "--reviewer", reviewer,
        *more,
    )  # fmt: skip


def test_every_row_ends_as_it_should(desk):
    desk.enrol(ANNA, BELA, CELA, DORA)
    desk.pay(desk.payment(BELA, "1", on="2022-03-01"))
    rows = [
        (opening(ANNA, 个人缴费="1,000.50", 利息="12.3", 政府补贴="60"), RECORDED),
        (opening(ANNA, 个人缴费="1000.50", 利息="12.30", 政府补贴="60.00"), THERE),
        (opening(ANNA, 个人缴费="1000.51", 利息="12.30", 政府补贴="60.00"), "DATE"),
        (opening(BELA, 个人缴费="1"), "DATE"),  # other money came first
        (opening(CELA), "AMOUNT"),
        (opening(CELA, 个人缴费="0"), "AMOUNT"),
        (opening(CELA, 个人缴费="5", 利息="-1"), "AMOUNT"),
        (opening(CELA, 个人缴费="1.005"), "AMOUNT"),
        (opening(CELA, 个人缴费="一百"), "AMOUNT"),
        (opening(person(9), 个人缴费="1"), "UNKNOWN_PERSON"),
        (opening(CELA._replace(number=CELA.number[:-1] + "?"), 个人缴费="1"), "IDENTITY_FAULT"),
        (opening(CELA, 集体补助="7"), RECORDED),
    ]
    file = desk.table("openings.csv", [row for row, _ in rows], COLUMNS)
    before = desk.position()
    ended = openings(desk, file)
    assert (ended.code, desk.outcomes(file)) == (2, [expected for _, expected in rows])
    assert desk.position() == before + 2
    assert desk.fen(ANNA) == 1000_50 + 12_30 + 60_00
    assert desk.state(ANNA).balance.interest == 12_30
    again = openings(desk, desk.table("again.csv", [rows[0][0], rows[-1][0]], COLUMNS), "--json")
    assert (again.code, again.json["already_there"]) == (0, 2)
    other_year = openings(desk, file, as_of="2020-12-31", inside=True)
    assert other_year.code == 2
    assert desk.outcomes(file)[0] == "DATE"
    assert desk.position() == before + 2


def test_what_the_command_itself_says_wrongly_is_refused_before_any_row(desk):
    desk.enrol(ANNA)
    file = desk.table("openings.csv", [opening(ANNA, 个人缴费="1")], COLUMNS)
    before = desk.position()
    for more, reason in (
        ({"reviewer": "甲"}, "SAME_PERSON"),
        ({"actor": " 乙 "}, "SAME_PERSON"),
        ({"reviewer": ""}, "SAME_PERSON"),
        ({"as_of": "2021-12-30"}, "DATE"),
        ({"as_of": "2099-12-31"}, "DATE"),
    ):
        ended = openings(desk, file, **more, inside=more != {"reviewer": "甲"})
        assert (ended.code, ended.out) == (1, ""), ended
        assert reason in ended.err
        assert "办法：" in ended.err
        assert not file.with_name("openings.csv.result.csv").exists()
    assert openings(desk, file, as_of="2021-12-32", inside=True).code == 64
    assert desk.position() == before
    assert desk.query("SELECT count(*) FROM {job} WHERE kind = 'import openings'") == [(0,)]


def test_a_wrong_balance_is_reversed_and_taken_over_anew(desk):
    desk.enrol(ANNA)
    wrong = desk.table("wrong.csv", [opening(ANNA, 个人缴费="500")], COLUMNS)
    right = desk.table("right.csv", [opening(ANNA, 个人缴费="400")], COLUMNS)
    assert openings(desk, wrong, inside=True).code == 0
    early = desk.payments(
        [
            desk.payment(ANNA, "1", on="2021-12-31"),
            desk.payment(ANNA, "2", on="2020-02-01"),
            desk.payment(ANNA, "3", on="2022-01-01"),
        ]
    )
    assert desk.import_("payments", early, inside=True).code == 2
    assert desk.outcomes(early) == ["DATE", "DATE", RECORDED]
    reverse = ("entry", "reverse", "--pool", desk.code, "--account", desk.account(ANNA), "--reason", "错录")
    hands = ("--actor", "甲", "--reviewer", "乙")
    before = desk.position()
    dry = desk.inside(*reverse, "--version", 3, *hands, "--dry-run", "--json")
    assert (dry.code, dry.json["dry_run"], desk.position()) == (0, True, before)
    for version in (3, 2):
        assert desk.ledger(*reverse, "--version", version, *hands).code == 0
    assert desk.fen(ANNA) == 0
    assert openings(desk, right, inside=True).code == 0
    assert desk.outcomes(right) == [RECORDED]
    assert openings(desk, wrong, inside=True).code == 2
    assert (desk.fen(ANNA), desk.outcomes(wrong)) == (400_00, ["DATE"])
    twice = desk.inside(*reverse, "--version", 2, *hands)
    assert (twice.code, twice.out) == (1, "")
    assert "ALREADY_REVERSED" in twice.err
    opened = desk.inside(*reverse, "--version", 1, *hands)
    assert "NOTHING_TO_REVERSE" in opened.err
    beyond = desk.inside(*reverse, "--version", 99, *hands)
    assert "NOTHING_TO_REVERSE" in beyond.err
    alone = desk.inside(*reverse, "--version", 6, "--actor", "甲", "--reviewer", "甲")
    assert (alone.code, "SAME_PERSON" in alone.err) == (1, True)


def test_a_dry_run_over_more_than_a_tranche_tells_what_the_run_will(desk):
    """The same person again, ten thousand rows later: the run has recorded the first of them by then."""
    desk.enrol(ANNA, BELA)
    rows = [opening(ANNA, 个人缴费="1"), *[opening(person(9), 个人缴费="1")] * 10_000]
    rows += [opening(ANNA, 个人缴费="1"), opening(ANNA, 个人缴费="2"), opening(BELA, 个人缴费="2")]
    file = desk.table("openings.csv", rows, COLUMNS)
    before = desk.position()
    dry = openings(desk, file, "--dry-run")
    dry_results = desk.results(file)
    assert desk.position() == before
    real = openings(desk, file)
    assert dry.out.replace("试算（未记账）", "完成") == real.out
    assert dry_results == desk.results(file)
    assert [row.reason or row.outcome for row in dry_results[-3:]] == [THERE, "DATE", RECORDED]
