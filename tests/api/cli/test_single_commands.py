"""Single commands through the installed command: done, refused, repeated, tried, wrongly used; nobody is named."""

from __future__ import annotations

from unittest import mock
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import OperationalError

from ledger.desk.coalesce import PoolWriter, QueueFullError
from tests.api.cli.desk import THERE, Desk, person

HANDS = ("--actor", "甲", "--reviewer", "乙")
NOBODY = "00000000-0000-0000-0000-000000000001"
KEYS = ["command_id", "account", "version", "position", "recorded_at", "already_there", "dry_run", "events"]
CREDIT_CODE = "91350100M000100Y43"


@pytest.fixture(scope="module")
def desk(open_desk) -> Desk:
    made = open_desk()
    made.enrol(person(900))  # for the village
    return made


@pytest.fixture
def who(desk, request):
    """Somebody with an account, another one for each test."""
    one = person(1 + len(desk.people))
    desk.people[one.number] = one
    ended = desk.inside(*opening(desk, one), "--json")
    assert ended.code == 0, ended
    return one


def opening(desk, one, *, name="", division="青县/青镇/青村", day="2019-01-02"):
    return (
        "account", "open", "--pool", desk.code, "--citizen", one.number, "--name", name or one.name, "--division",
        division, "--opened-on", day, "--actor", "甲",
    )  # fmt: skip


def closing(desk, account, *more, day="2024-07-01"):
    return ("account", "close", "--pool", desk.code, "--account", account, "--on", day, *HANDS, *more)


def recording(desk, account, amount="100.00", on="2023-05-10", kind="contribution", *more):
    return (
        "entry", "record", "--pool", desk.code, "--account", account, "--kind", kind, "--amount", amount, "--on", on,
        "--actor", "甲", *more,
    )  # fmt: skip


def reversing(desk, account, version, *more):
    words = ("--version", version, "--reason", "错录", *HANDS)
    return ("entry", "reverse", "--pool", desk.code, "--account", account, *words, *more)


def one_life(desk, one):
    """A well used command of each kind for an account with 100 yuan recorded as version 2, and the same but for a word.

    For each: the command, other input under the same id, and a refused one with its reason.
    """
    account = desk.account(one)
    fresh = person(1 + len(desk.people))
    desk.people[fresh.number] = fresh
    return {
        "account open": (
            opening(desk, fresh),
            opening(desk, fresh, day="2019-01-03"),
            (opening(desk, one), "ALREADY_OPEN"),
        ),
        "entry record": (
            recording(desk, account, "12.34"),
            recording(desk, account, "12.35"),
            (recording(desk, account, "0"), "AMOUNT"),
        ),
        "entry record pension": (
            recording(desk, account, "5", "2024-05-01", "pension"),
            recording(desk, account, "5", "2024-05-01", "refund", "--reason", "重复缴费"),
            (recording(desk, account, "5000", "2024-05-01", "pension"), "AMOUNT"),
        ),
        "entry reverse": (
            reversing(desk, account, 2),
            reversing(desk, account, 3),
            (reversing(desk, account, 1), "NOTHING_TO_REVERSE"),
        ),
        "account close": (
            closing(desk, account, "--reason", "死亡"),
            closing(desk, account, "--reason", "出国定居"),
            (closing(desk, account, "--reason", "死亡", "--reviewer", "甲"), "SAME_PERSON"),
        ),
    }


def nameless(desk, *ended):
    """Nothing that was printed says who anybody is."""
    for one in ended:
        for somebody in desk.people.values():
            assert somebody.number not in one.out + one.err
            assert somebody.name not in one.out + one.err


@pytest.mark.parametrize(
    "kind", ["account open", "entry record", "entry record pension", "entry reverse", "account close"]
)
def test_each_command_done_repeated_refused_and_tried(desk, who, kind):
    desk.prepare(*recording(desk, desk.account(who)))
    if kind in ("entry record pension", "account close"):
        desk.set("rate", 2023, "0.0262")
    command, other, (wrong, reason) = one_life(desk, who)[kind]
    told_id, before = str(uuid4()), desk.position()
    under = ("--command-id", told_id)

    tried = desk.ledger(*command, *under, "--dry-run", "--json")
    assert (tried.code, tried.err, desk.position()) == (0, "", before), tried
    refused = desk.ledger(*wrong, *under, "--json")
    assert (refused.code, refused.out, desk.position()) == (1, "", before)
    assert reason in refused.err
    done = desk.ledger(*command, *under, "--json")
    assert (done.code, done.err) == (0, ""), done
    answer = done.json
    assert list(answer) == KEYS
    assert (answer["command_id"], answer["dry_run"], answer["already_there"]) == (told_id, False, False)
    assert answer["position"] == desk.position() == before + len(answer["events"])
    assert [list(event) for event in answer["events"]] == [
        ["version", "topic", "effective_on", "year", "amount"] for _ in answer["events"]
    ]
    history = desk.log.history(UUID(answer["account"]))
    assert [(one.topic, one.command_id) for one in history[-len(answer["events"]) :]] == [
        (event["topic"], told_id) for event in answer["events"]
    ]
    assert history[-1].cause == "command " + " ".join(kind.split()[:2])
    assert answer["version"] == answer["events"][-1]["version"] == len(history)

    but_for = {"position": 0, "recorded_at": None, "dry_run": None}
    account = {"account": None} if kind == "account open" else {}
    assert tried.json["recorded_at"] is None
    assert tried.json["dry_run"]
    assert {**tried.json, **but_for} == {**answer, **but_for, **account}

    again = desk.ledger(*command, *under, "--json")
    assert (again.code, again.json) == (0, answer)
    different = desk.ledger(*other, *under)
    assert (different.code, different.out, "COMMAND_ID" in different.err) == (1, "", True)
    assert desk.position() == answer["position"]
    nameless(desk, tried, refused, done, again, different)


def test_what_is_told_in_words(desk, who):
    account = desk.account(who)
    tried = desk.inside(*recording(desk, account), "--dry-run")
    assert tried.out.startswith(
        f"试算（未记账）：账户 {account}\n  第2号记录 缴费记账，2023-05-10，2023年度，100.00 元\n"
    )
    done = desk.inside(*recording(desk, account, "100.00", "2023-05-10", "contribution", "--serial", "W1"))
    made = done.out.splitlines()[-1].removeprefix("命令编号 ")
    assert UUID(made)
    assert f"命令编号 {made}：" in done.err  # told before it is sent: whoever loses the answer repeats with it
    assert done.out.startswith(f"已记账：账户 {account}，日志位置 {desk.position()}\n")
    again = desk.inside(
        *recording(desk, account, "100.00", "2023-05-10", "contribution", "--serial", "W1", "--command-id", made)
    )
    assert (again.out, again.err) == (done.out, "")
    there = desk.inside(*recording(desk, account, "100.00", "2023-05-10", "contribution", "--serial", "W1"))
    assert there.out.startswith(f"此前已记账：账户 {account} 第2号记录即为本笔，未重复记账\n")
    opened = desk.inside(*opening(desk, person(800)), "--dry-run")
    assert opened.out.startswith("试算（未记账）：账户编号待正式办理时生成\n  第1号记录 建账，2019-01-02\n")
    nameless(desk, tried, done, again, there, opened)


def test_closing_settles_interest_and_a_transfer_says_where_to(desk, who):
    account = desk.account(who)
    desk.prepare(*recording(desk, account, "1000", "2022-01-10"))
    desk.set("rate", 2022, "0.0307")
    to = ("--to", "640400", "--document", "转移函1号", "--json")
    gone = desk.inside(*closing(desk, account, *to, day="2022-12-31"))
    assert [(event["topic"], event["amount"]) for event in gone.json["events"]] == [
        ("account.interest_credited", "28.14"),
        ("account.transferred_out", "-1028.14"),
    ]
    end = desk.history(who)[-1]
    assert (end.to, end.document, end.actor, end.reviewer) == ("640400", "转移函1号", "甲", "乙")
    assert desk.state(who).closed
    reopened = desk.inside(*opening(desk, who), "--json")
    assert reopened.json["account"] != str(account)
    after = desk.inside(*recording(desk, account))
    assert (after.code, "ACCOUNT_CLOSED" in after.err) == (1, True)


def test_every_kind_of_money_and_what_is_said_about_it(desk, who):
    account = desk.account(who)
    desk.set("cap", 2022, "5000")
    said = (
        "--period", 2022, "--payment-type", "interrupted", "--paid-on", "2023/5/9", "--serial", " L 1 ", "--voucher",
        "Ｔ１", "--payer", CREDIT_CODE.lower(), "--batch", "B 1",
    )  # fmt: skip
    for kind in ("contribution", "government_paid", "collective_subsidy", "social_aid"):
        words = [f"K{kind}" if word == " L 1 " else word for word in said]
        ended = desk.inside(*recording(desk, account, "1,000.50", "2023-05-10", kind, *words))
        assert ended.code == 0, ended
        event = desk.history(who)[-1]
        assert getattr(event.effect, kind) == event.effect.total == 1000_50
        assert (event.year, event.payment_type, event.paid_on.isoformat()) == (2022, "interrupted", "2023-05-09")
        assert (event.voucher, event.payer, event.batch) == ("T1", CREDIT_CODE, "B1")
        assert event.serial == f"K{kind}"
    subsidy = ("--level", " 自治区 ", "--allocation-document", "拨付1号")
    desk.prepare(*recording(desk, account, "60", "2023-05-10", "government_subsidy", *subsidy))
    event = desk.history(who)[-1]
    assert (event.level, event.allocation_document, event.year) == ("自治区", "拨付1号", 2023)
    assert (event.paid_on, event.serial, event.payment_type) == (None, "", "regular")  # nothing that was not said
    desk.prepare(*recording(desk, account, "1.00", "2024-01-05", "refund", "--reason", "重复缴费"))
    assert desk.history(who)[-1].reason == "重复缴费"
    assert desk.fen(who) == 4 * 1000_50 + 60_00 - 1_00


def test_a_payment_by_command_and_a_file_know_each_other(desk, who):
    account = desk.account(who)
    voucher = ("--paid-on", "2023-05-10", "--voucher", "TBoth", "--serial", "Both")
    command = recording(desk, account, "100.00", "2023-05-10", "contribution", *voucher)
    desk.prepare(*command)
    before = desk.position()
    file = desk.payments([desk.payment(who, "Both")])
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.outcomes(file) == [THERE]
    there = desk.inside(*command, "--json")
    assert (there.json["already_there"], there.json["events"], there.json["version"]) == (True, [], 2)
    other = desk.inside(*command[: command.index("--amount")], "--amount", "1", *command[command.index("--on") :])
    assert (other.code, "SERIAL_CONFLICT" in other.err) == (1, True)
    assert desk.position() == before


def test_what_the_intake_requires_of_a_payment_holds_here(desk, who):
    """Neither the holder's number nor the name may become a serial, a voucher or a batch."""
    account, before = desk.account(who), desk.position()
    for option, text in (
        ("--serial", who.number),
        ("--serial", f"2023-{who.number.lower()}"),
        ("--serial", who.name),
        ("--serial", "王二小"),
        ("--voucher", who.number),
        ("--voucher", who.name),
        ("--batch", f"{who.number[:6]} {who.number[6:]}"),
        ("--batch", who.name),
    ):
        ended = desk.inside(*recording(desk, account, "1", "2023-05-10", "contribution", option, text))
        assert (ended.code, ended.out) == (1, ""), (option, text)
        column = {"--serial": "缴费明细流水号", "--voucher": "电子税票号码", "--batch": "传输批次号"}[option]
        assert f"值：“{column}”" in ended.err
        assert "王二小" not in ended.err
        nameless(desk, ended)
    subsidy = recording(
        desk, account, "1", "2023-05-10", "government_subsidy", "--allocation-document", f"给{who.name}"
    )
    refund = recording(desk, account, "1", "2023-05-10", "refund", "--reason", f"{who.number}多缴")
    for command in (
        subsidy,
        refund,
        closing(desk, account, "--reason", f"{who.name}死亡"),
        ("entry", "reverse", "--pool", desk.code, "--account", account, "--version", 2, "--reason", who.name, *HANDS),
    ):
        ended = desk.inside(*command)
        assert (ended.code, "ROW_FAULT" in ended.err) == (1, True), ended
        nameless(desk, ended)
    assert desk.position() == before


def test_refusals_of_an_opening_name_the_column(desk, who):
    for command, reason in (
        (opening(desk, who, name="旁人"), "NAME_DIFFERS"),
        (opening(desk, who), "ALREADY_OPEN"),
        (opening(desk, person(801), division="青县/青镇/没有"), "UNKNOWN_DIVISION"),
        (opening(desk, person(801), division=who.number), "UNKNOWN_DIVISION"),
        (opening(desk, person(801), division=who.name), "UNKNOWN_DIVISION"),
        (opening(desk, person(801), day="1981-01-01"), "UNDER_AGE"),
        (opening(desk, person(801), day="2099-01-01"), "DATE"),
    ):
        ended = desk.inside(*command)
        assert (ended.code, ended.out, reason in ended.err) == (1, "", True), ended
        assert "旁人" not in ended.err
        nameless(desk, ended)
    assert desk.inside(*recording(desk, NOBODY)).code == 1


def test_wrong_usage(desk, who):
    """Exit code 64, nothing recorded, and what was said is not repeated where it could be somebody."""
    account, before = desk.account(who), desk.position()
    wrong = [
        (*opening(desk, who)[:5], "640000198003019999", *opening(desk, who)[6:]),
        opening(desk, who, day="2019-13-01"),
        opening(desk, who, day=who.number),
        opening(desk, who, name=" "),
        opening(desk, who, division=" "),
        (*opening(desk, who), "--command-id", who.number),
        closing(desk, account),
        closing(desk, account, "--reason", " "),
        closing(desk, account, "--reason", "死亡", "--to", "640400", "--document", "文"),
        closing(desk, account, "--to", "640400"),
        closing(desk, account, "--reason", "死亡", "--document", "文"),
        closing(desk, who.number, "--reason", "死亡"),
        closing(desk, account, "--reason", "死亡", day="昨天"),
        recording(desk, account, kind="gift"),
        recording(desk, account, kind=who.name),
        recording(desk, account, kind="interest"),
        recording(desk, account, "一百"),
        recording(desk, account, "1.001"),
        recording(desk, account, on="2023-02-30"),
        recording(desk, who.number),
        (*recording(desk, account), "--period", "1899"),
        (*recording(desk, account), "--payment-type", who.name),
        (*recording(desk, account), "--paid-on", "5月"),
        (*recording(desk, account), "--payer", who.number),
        (*recording(desk, account), "--payer", "91350100M000100Y44"),
        (*recording(desk, account), "--level", "自治区"),
        (*recording(desk, account), "--allocation-document", "文"),
        (*recording(desk, account), "--reason", "多缴"),
        (*recording(desk, account), "--actor", " "),
        (*recording(desk, account, kind="pension"), "--serial", "1"),
        (*recording(desk, account, kind="refund"), "--payment-type", "regular"),
        (*reversing(desk, account, 2), "--command-id", "1"),
        reversing(desk, account, 0),
        ("account",),
        ("account", "nonsense"),
    ]
    for place, command in enumerate(wrong):
        ended = (desk.inside if place % 8 else desk.ledger)(*command)
        assert ended.code == 64, (command, ended)
        assert ended.out == "" or "Usage" in ended.out
        nameless(desk, ended)
    for command in (opening(desk, who), closing(desk, account, "--reason", "死"), recording(desk, account)):
        for place, word in enumerate(command):
            if str(word).startswith("--"):
                ended = desk.inside(*command[:place], *command[place + 2 :])
                assert (ended.code, ended.out) == (64, ""), (command, word)
    assert desk.position() == before


def test_an_unknown_pool_and_a_full_queue(desk, who):
    account = desk.account(who)
    for command in (opening(desk, who), closing(desk, account, "--reason", "死亡"), recording(desk, account)):
        ended = desk.inside(*(("999999" if word == desk.code else word) for word in command))
        assert (ended.code, ended.out, "没有统筹区 999999" in ended.err) == (1, "", True)
    full = QueueFullError("统筹区 x 已有1024笔业务在等待，请稍后再试")
    with mock.patch.object(PoolWriter, "submit", side_effect=full):
        ended = desk.inside(*recording(desk, account))
    assert (ended.code, ended.out, "忙：统筹区 x" in ended.err) == (75, "", True)


def test_whoever_loses_the_answer_is_told_how_to_repeat(desk, who):
    """Run again without its id, a payment without a serial would be in the log twice."""
    command = recording(desk, desk.account(who), "9.99")
    asked = PoolWriter.ask

    def lost(writer, one):
        asked(writer, one)
        raise OperationalError("the connection is lost")

    with mock.patch.object(PoolWriter, "ask", lost):
        ended = desk.inside(*command)
    assert (ended.code, ended.out) == (1, "")
    made = ended.err.split("--command-id ")[-1].strip()
    before = desk.position()
    again = desk.inside(*command, "--command-id", made, "--json")
    assert (again.code, again.json["position"], desk.position()) == (0, before, before)


def test_the_tables_to_read_bear_witness_at_once(desk, who):
    account = desk.account(who)
    desk.prepare(*recording(desk, account, "88.00"))
    told = desk.inside("statement", "--pool", desk.code, "--account", account, "--year", 2023)
    assert (told.code, "88.00" in told.out) == (0, True)
    assert desk.inside("projections", "verify", "--pool", desk.code).code == 0
