"""`tax receivables` through the command: every reason, every way of being there already, 撤销, donors, dry runs."""

from datetime import date, timedelta
from unittest import mock

import pytest

from ledger import clock
from ledger.jobs import intake, intake_receivables
from ledger.jobs.intake_receivables import ReceivableIntake
from ledger.store.receivables import Receivables
from tests.api.cli.desk import RECORDED, THERE, person
from tests.api.cli.test_import_payments import close, wrong_check_digit

COLUMNS = (
    "应收核定编号",
    "公民身份号码",
    "姓名",
    "费款所属期",
    "征收品目",
    "缴费类型",
    "应缴金额",
    "核定日期",
    "数据类型",
)
PAYER = "N2150781MF0000005R"


@pytest.fixture(scope="module")
def desk(open_desk):
    made = open_desk("neimenggu")
    made.people_here = tuple(person(600 + place) for place in range(4))
    made.enrol(*made.people_here)
    return made


def row(who, number="H1", **cells):
    return {
        "应收核定编号": number, "公民身份号码": who.number, "姓名": who.name, "费款所属期": "2025",
        "征收品目": "个人缴费", "缴费类型": "正常应缴", "应缴金额": "200.00", "核定日期": "2025-03-05",
        "数据类型": "新增", **cells,
    }  # fmt: skip


def table(desk, rows, name="receivables.csv"):
    more = tuple(dict.fromkeys(column for one in rows for column in one if column not in COLUMNS))
    return desk.table(name, rows, (*COLUMNS, *more))


def take_in(desk, file, *more, actor="甲", reviewer="乙", outside=False):
    way = desk.ledger if outside else desk.inside
    said = ("--pool", desk.code, "--actor", actor, "--reviewer", reviewer)
    return way("tax", "receivables", "import", file, *said, "--json", *more)


def outcomes(desk, file):
    """Outcomes of a result file, whose second column is the number here."""
    path = file.with_name(file.name + ".result.csv")
    path.write_text(path.read_text().replace("行号,应收核定编号,", "行号,缴费明细流水号,", 1))
    return desk.outcomes(file)


def stored(desk):
    return desk.query(
        "SELECT number, data_type, kind, payment_type, period, approved_on, fen, payer FROM {receivable}"
        " ORDER BY file_id, line"
    )


def test_every_reason_in_one_file_harms_no_neighbour(desk):
    paid, closed, other, _ = desk.people_here
    close(desk, closed, date(2025, 2, 1))
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    gone = {"数据类型": "撤销"}
    rows = [
        (row(paid, "H1"), RECORDED),
        (row(paid, "H1"), THERE),
        (row(paid, "H1", 应缴金额="201"), "SERIAL_CONFLICT"),
        (row(paid, "H1", 核定日期="2025-03-06"), "SERIAL_CONFLICT"),
        (row(paid, "H1", 来源单位=PAYER), "SERIAL_CONFLICT"),
        (row(other, "H1"), RECORDED),
        (row(paid, "H1", 征收品目="集体补助", 来源单位=PAYER), RECORDED),
        (row(paid, "H1", 费款所属期="2024", 缴费类型="中断补缴"), RECORDED),
        (row(paid, "H1", 费款所属期="2024", 缴费类型="一次性补缴"), RECORDED),
        (row(paid, "F1", 公民身份号码=wrong_check_digit(paid)), "IDENTITY_FAULT"),
        (row(person(699), "F2"), "UNKNOWN_PERSON"),
        (row(paid, "F3", 姓名="旁人"), "NAME_DIFFERS"),
        (row(paid._replace(name="旁人"), "F3", 应缴金额="x"), "NAME_DIFFERS"),
        (row(closed, "F4"), "ACCOUNT_CLOSED"),
        (row(paid, "F5", 征收品目="滞纳金"), "KIND"),
        (row(paid, "F6", 缴费类型=""), "KIND"),
        (row(paid, "F7", 数据类型="更正"), "KIND"),
        (row(paid, ""), "KIND"),
        (row(paid, "F8", 应缴金额="0"), "AMOUNT"),
        (row(paid, "F9", 应缴金额="-1"), "AMOUNT"),
        (row(paid, "F10", 应缴金额="1.005"), "AMOUNT"),
        (row(paid, "F11", 应缴金额="10000000.01"), "AMOUNT"),
        (row(paid, "F12", 费款所属期="1989"), "PERIOD"),
        (row(paid, "F13", 费款所属期=clock.today().year + 2), "PERIOD"),
        (row(paid, "F14", 核定日期=""), "DATE"),
        (row(paid, "F15", 核定日期=tomorrow), "DATE"),
        (row(paid, paid.number), "ROW_FAULT"),
        (row(paid, "W1", **gone), "NOTHING_TO_REVERSE"),
        (row(paid, "H1", 费款所属期="2023", **gone), "NOTHING_TO_REVERSE"),
        (row(other, "H1", 应缴金额="199", **gone), "SERIAL_CONFLICT"),
        (row(other, "H1", 核定日期="2025-03-04", **gone), "DATE"),
        (row(other, "H1", 核定日期="2025-04-01", **gone), RECORDED),
        (row(other, "H1", 核定日期="2025-04-01", **gone), THERE),
        (row(other, "H1", 核定日期="2025-04-02", **gone), "ALREADY_REVERSED"),
        (row(other, "H1"), THERE),
        (row(paid, "H1", 征收品目="集体补助", 核定日期="2025-04-01", **gone), RECORDED),
    ]
    file = table(desk, [one for one, _ in rows])
    position = desk.position()
    dry = take_in(desk, file, "--dry-run")
    assert stored(desk) == []
    ended = take_in(desk, file, outside=True)
    assert ended.code == dry.code == 2
    assert outcomes(desk, file) == [expected for _, expected in rows]
    assert dry.json | {"dry_run": False} == ended.json
    assert desk.position() == position
    assert stored(desk) == [
        ("H1", 1, 0, 0, 2025, date(2025, 3, 5), 20000, ""),
        ("H1", 1, 0, 0, 2025, date(2025, 3, 5), 20000, ""),
        ("H1", 1, 2, 0, 2025, date(2025, 3, 5), 20000, PAYER),
        ("H1", 1, 0, 1, 2024, date(2025, 3, 5), 20000, ""),
        ("H1", 1, 0, 2, 2024, date(2025, 3, 5), 20000, ""),
        ("H1", 2, 0, 0, 2025, date(2025, 4, 1), 20000, ""),
        ("H1", 2, 2, 0, 2025, date(2025, 4, 1), 20000, PAYER),  # the payer of what it withdraws
    ]
    months = "SELECT month, side, rows FROM {exchange_month} ORDER BY month"
    assert desk.query(months) == [(date(2025, 3, 1), 2, 5), (date(2025, 4, 1), 2, 2)]
    again = take_in(desk, file)
    assert (again.json["recorded"], again.json["already_there"]) == (0, ended.json["recorded"] + 3)
    assert len(stored(desk)) == 7
    listed = desk.inside("tax", "receivables", "list", "--pool", desk.code, "--month", "2025-03", "--json").json
    assert listed["totals"][0] == {
        "item": "contribution", "payment_type": "regular", "rows": 2, "amount": "400.00", "withdrawn_rows": 0,
        "withdrawn": "0.00", "due": "400.00",
    }  # fmt: skip
    shown = desk.inside("tax", "receivables", "list", "--pool", desk.code, "--number", "H1", "--json")
    assert len(shown.json["rows"]) == 7
    text = desk.inside("tax", "receivables", "list", "--pool", desk.code, "--number", "H1").out
    assert not any(who.name in text + shown.out or who.number in text + shown.out for who in desk.people_here)
    assert "没有应收核定" in desk.inside("tax", "receivables", "list", "--pool", desk.code, "--month", "2020-01").out


def test_two_people_and_a_month_that_is_one(desk):
    file = table(desk, [row(desk.people_here[0], "Z1")], "same.csv")
    ended = take_in(desk, file, actor="甲", reviewer=" 甲")
    assert (ended.code, "SAME_PERSON" in ended.err or "经办" in ended.err) == (1, True)
    assert desk.query("SELECT FROM {receivable} WHERE number = 'Z1'") == []
    for said in (("--month", "2025-13"), (), ("--month", "2025-01", "--number", "X")):
        assert desk.inside("tax", "receivables", "list", "--pool", desk.code, *said).code == 64


def test_a_file_that_was_cut_short_goes_on_where_it_ended(desk):
    """Tranches of two rows, the third of which does not get written: what stands there is not written again."""
    who = desk.people_here[3]
    rows = [row(who, f"T{place}") for place in range(7)]
    file = table(desk, rows, "cut.csv")
    write, calls = Receivables.write, []

    def cut(self, *said):
        calls.append(said)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(self, *said)

    with mock.patch.object(intake, "TRANCHE", 2), mock.patch.object(intake.Pace, "rows", 2):
        with mock.patch.object(Receivables, "write", cut):
            assert take_in(desk, file).code == 130
        assert len(desk.query("SELECT FROM {receivable} WHERE number LIKE 'T%%'")) == 4
        ended = take_in(desk, file)
    assert (ended.code, ended.json["recorded"], ended.json["already_there"]) == (0, 3, 4)
    counted = "SELECT sum(m.rows) FROM {exchange_month} m JOIN {exchange_file} f USING (file_id) WHERE f.sha256 = %s"
    assert desk.query(counted, bytes.fromhex(ended.json["sha256"])) == [(7,)]


def test_what_somebody_else_wrote_meanwhile_is_decided_again(desk):
    """Both files say the same number: the one that comes second finds what the first wrote, in its own transaction."""
    who = desk.people_here[3]
    file = table(desk, [row(who, "M1"), row(who, "M2")], "mine.csv")
    other = table(desk, [row(who, "M1"), row(who, "M2", 应缴金额="1")], "other.csv")
    find, done = Receivables.find, []

    def meanwhile(self, asked):
        found = find(self, asked)
        if not done:
            done.append(True)
            with mock.patch.object(intake_receivables.ReceivableIntake, "kind", "other"):
                assert take_in(desk, other).code == 0
        return found

    with (
        mock.patch.object(Receivables, "find", meanwhile),
        mock.patch.dict("api.cli.imports._TITLES", {"other": "别的"}),
    ):
        ended = take_in(desk, file)
    assert outcomes(desk, file) == [THERE, "SERIAL_CONFLICT"]
    assert ended.code == 2
    assert ReceivableIntake.kind == "receivables"
