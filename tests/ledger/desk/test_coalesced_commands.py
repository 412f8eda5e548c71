"""Commands that share a transaction: each is done once, on what the one before it left, and harms nobody."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import msgspec
import pytest

from ledger.desk import batch, coalesce, transaction
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import Answer, EraseParticipant, OpenAccount, said
from ledger.jobs.intake import Source
from ledger.jobs.intake_payments import PaymentIntake
from ledger.jobs.payment_rows import REQUIRED
from ledger.money import yuan_to_fen
from ledger.refusals import Refused
from ledger.store.command_ids import find_commands
from ledger.store.keys import Keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.store.register_proof import RegisterProof
from tests.ledger.desk.counter import DAY, Counter, agrees, enter_value, number_of


def test_a_command_goes_through_a_writer_of_its_own(counter, connections):
    writers = Writers()
    writer = PoolWriter(PoolLog(connections, counter.log.pool), counter.register, writers)
    opened = writer.ask(counter.open())
    paid = writer.ask(counter.pay(opened.account, 12_34))
    with pytest.raises(Refused, match="账户编号"):
        writer.ask(counter.pay(uuid4()))
    writers.close()
    assert (opened.version, paid.version, paid.position) == (1, 2, opened.position + 1)
    assert [(one.topic, one.amount) for one in paid.events] == [("account.contribution_recorded", "12.34")]
    assert counter.fen(opened.account) == 12_34
    assert all(agrees(one, counter.rows()) for one in (opened, paid))


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_a_repeated_id_in_one_batch_and_in_later_ones_gets_the_first_answer(counter):
    (account,) = counter.accounts(1)
    before, command = counter.position(), counter.pay(account)
    first, second = counter.together(command, command)
    assert isinstance(first, Answer)
    assert first == second == counter.ask(command)
    another_door = msgspec.structs.replace(command, cause="another door")
    told = counter.together(another_door, command, counter.pay(account, 1))
    assert told[:2] == [first, first]
    assert first.recorded_at is not None
    assert (counter.position(), counter.fen(account)) == (before + 2, 100_01)
    other_writer = Counter(counter.log)
    assert other_writer.ask(command) == first
    assert counter.position() == before + 2


def test_a_repeated_opening_names_the_first_account(counter):
    opening = counter.open()
    first, second = counter.together(opening, opening)
    assert first == second == counter.ask(opening)
    assert [row.account for row in counter.rows() if row.topic == "account.opened"] == [first.account]
    assert counter.together(counter.open(1)) == ["ALREADY_OPEN"]


def test_the_same_id_with_other_input_is_refused(counter):
    account, other = counter.accounts(2)
    first = counter.pay(account)
    others = [
        counter.pay(account, 100_01, command_id=first.command_id),
        counter.pay(other, command_id=first.command_id),
        counter.pay(account, on=date(2023, 5, 11), command_id=first.command_id),
        counter.pay(account, actor="丙", command_id=first.command_id),
        counter.pay(account, voucher="T", command_id=first.command_id),
        counter.reverse(account, 2, command_id=first.command_id),
        counter.close(account, command_id=first.command_id),
        counter.pay(uuid4(), command_id=first.command_id),
    ]
    before = counter.position()
    told = counter.together(first, *others)
    assert isinstance(told[0], Answer)
    assert told[1:] == ["COMMAND_ID"] * len(others)
    assert counter.together(*others, first) == [*told[1:], told[0]]
    assert counter.position() == before + 1


def test_a_refused_command_may_use_its_id_again(counter):
    (account,) = counter.accounts(1)
    refused = counter.pay_out(account, 50_00)
    before = counter.standing()
    assert counter.together(refused, refused) == ["AMOUNT", "AMOUNT"]
    assert counter.standing() == before
    same = counter.pay(account, command_id=refused.command_id)
    told = counter.together(refused, same, refused)
    assert [told[0], told[2]] == ["AMOUNT", "COMMAND_ID"]
    assert counter.ask(same) == told[1]
    again = counter.pay_out(account, 50_00)
    assert isinstance(counter.ask(again), Answer)
    assert counter.fen(account) == 50_00


def test_a_row_of_the_table_of_ids_says_what_was_answered(counter):
    (account,) = counter.accounts(1)
    command = counter.pay(account)
    answer = counter.ask(command)
    row = find_commands(counter.log, [command.command_id.bytes])[command.command_id.bytes]
    assert (row.first_id, row.last_id) == (answer.position, answer.position)
    assert str(account).encode() in row.answer
    assert number_of(1).encode() not in row.answer


# -- one batch ---------------------------------------------------------------------------------------------------------


def test_two_commands_on_one_account_chain(counter):
    one, two = counter.accounts(2)
    before = counter.position()
    told = counter.together(
        counter.pay(one, 100_00),
        counter.pay(two, 7_00),
        counter.pay_out(one, 60_00),
        counter.pay_out(one, 60_00),
        counter.reverse(two, 2),
        counter.pay(one, 20_00, on=date(2024, 2, 1)),
        counter.pay_out(one, 60_00),
        counter.close(one),
        counter.pay(one, 1_00),
    )
    assert [one if isinstance(one, str) else "" for one in told] == [
        "",
        "",
        "",
        "AMOUNT",
        "",
        "",
        "",
        "",
        "ACCOUNT_CLOSED",
    ]
    answers = [answer for answer in told if isinstance(answer, Answer)]
    assert [(answer.account, answer.version) for answer in answers] == [
        (one, 2), (two, 2), (one, 3), (two, 3), (one, 4), (one, 5), (one, 8),
    ]  # fmt: skip
    rows = counter.rows(before)
    assert all(agrees(answer, rows) for answer in answers)
    assert sum(len(answer.events) for answer in answers) == len(rows)
    assert len({answer.recorded_at for answer in answers}) == 1
    assert (counter.fen(one), counter.fen(two)) == (0, 0)
    assert counter.state(one).closed


def test_late_money_and_its_reversal_in_one_batch_settle_the_credited_year_twice(counter):
    """The second decision must see the first one's events, though the log does not hold them yet."""
    (account,) = counter.accounts(1)
    counter.ask(counter.pay(account, 1000_00, on=date(2022, 3, 1)))
    counter.credit(account, 2022)
    standing = counter.fen(account)
    late, again = counter.together(counter.pay(account, 500_00, on=date(2022, 1, 5)), counter.reverse(account, 4))
    assert [event.topic for event in late.events] == ["account.contribution_recorded", "account.interest_adjusted"]
    assert [event.topic for event in again.events] == ["account.entry_reversed", "account.interest_adjusted"]
    assert [event.version for event in (*late.events, *again.events)] == [4, 5, 6, 7]
    assert all(agrees(one, counter.rows()) for one in (late, again))
    assert counter.fen(account) == standing


def test_a_refused_neighbour_harms_nobody(counter):
    one, two = counter.accounts(2)
    closed, taken = counter.accounts(2)
    counter.ask(counter.close(closed))
    counter.ask(counter.pay(taken, serial="S1"))
    told = counter.together(
        counter.pay(uuid4()),
        counter.pay(one, 1_00),
        counter.pay(closed),
        counter.open(1),
        counter.open(1, name="旁人"),
        counter.open(77, division="青县/青镇/没有"),
        counter.open(78, name=" \u200b"),
        counter.pay(two, 2_00),
        counter.pay(two, 0),
        counter.pay(two, kind="social_aid"),
        counter.reverse(two, 1),
        counter.reverse(two, 2, reviewer="甲"),
        counter.close(two, reviewer="甲"),
        counter.pay(one, serial="S1"),
        counter.pay(one, 3_00, on=date(2023, 6, 1)),
    )
    assert [one if isinstance(one, str) else "" for one in told] == [
        "UNKNOWN_ACCOUNT", "", "ACCOUNT_CLOSED", "ALREADY_OPEN", "NAME_DIFFERS", "UNKNOWN_DIVISION", "IDENTITY_FAULT",
        "", "AMOUNT", "NO_CAP", "NOTHING_TO_REVERSE", "SAME_PERSON", "SAME_PERSON", "SERIAL_CONFLICT", "",
    ]  # fmt: skip
    assert (counter.fen(one), counter.fen(two)) == (4_00, 2_00)


def test_refusals_alone_leave_no_trace(counter):
    (account,) = counter.accounts(1)
    before = counter.standing()
    assert counter.together(counter.pay_out(account, 1), counter.pay(uuid4())) == ["AMOUNT", "UNKNOWN_ACCOUNT"]
    assert counter.standing() == before


def test_no_refusal_says_a_name_or_a_number(counter):
    counter.accounts(1)
    waiters = counter.put(
        counter.open(1, name="王二小"),
        counter.open(1),
        counter.open(90, division=number_of(90)),
        counter.open(91, name="王二小", opened_on=date(1979, 1, 1)),
        EraseParticipant(actor="甲", reviewer="乙", command_id=uuid4(), number=number_of(92), reason="申请"),
    )
    counter.hand.go()
    for waiter in waiters:
        fault = waiter.exception(0)
        assert isinstance(fault, Refused)
        assert not any(word in str(fault) for word in ("王二小", "测1", *(number_of(n) for n in (1, 90, 91, 92))))


def test_one_person_asked_for_twice_in_a_batch_gets_one_account(counter):
    told = counter.together(counter.open(5), counter.open(5), counter.open(5, name="旁人"), counter.open(6))
    assert [one if isinstance(one, str) else "" for one in told] == ["", "ALREADY_OPEN", "NAME_DIFFERS", ""]
    account = told[0].account
    again = counter.together(counter.close(account), counter.open(5))
    assert isinstance(again[1], Answer)
    assert again[1].account != account
    assert counter.register.account_of(number_of(5)) == again[1].account
    assert list(RegisterProof(counter.register).faults()) == []


@pytest.mark.parametrize("seconds", [coalesce.DECIDING_SECONDS_MAX, 0.0])
def test_more_than_a_batch_and_the_time_to_decide_leave_none_out(counter, monkeypatch, seconds):
    """A limit of no time is a transaction for each command; the order of each account stays that of the queue."""
    monkeypatch.setattr(coalesce, "DECIDING_SECONDS_MAX", seconds)
    accounts = counter.accounts(3)
    count = coalesce.TOGETHER + 60 if seconds else 30
    commands = [counter.pay(accounts[place % 3], place + 1) for place in range(count)]
    told = counter.together(*commands)
    assert all(isinstance(answer, Answer) for answer in told)
    for place, account in enumerate(accounts):
        mine = told[place::3]
        assert [answer.version for answer in mine] == list(range(2, 2 + len(mine)))
        assert [answer.position for answer in mine] == sorted(answer.position for answer in mine)
        assert counter.fen(account) == sum(range(place + 1, count + 1, 3))
    transactions = len({answer.recorded_at for answer in told})
    assert transactions == count if not seconds else transactions >= 2
    rows = counter.rows()
    assert all(agrees(answer, rows) for answer in told)
    assert {command.command_id for command in commands} < set(counter.command_ids())


# -- dry runs ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_leaves_no_trace_and_equals_the_run_that_follows(counter):
    one, two, three = counter.accounts(3)
    counter.together(counter.pay(one), counter.pay(two), counter.pay(three, serial="S"))
    commands = [
        counter.pay(one, 5_00, serial="N"),
        counter.pay(three, serial="S"),
        counter.pay_out(one, 30_00),
        counter.reverse(two, 2),
        counter.close(two),
        counter.open(),
        counter.pay_out(three, 10**9),
        counter.pay(three, 1, serial="S"),
        counter.pay(uuid4()),
    ]
    refused = 0
    for command in commands:
        before, position = counter.standing(), counter.position()
        trial = counter.ask(msgspec.structs.replace(command, dry_run=True))
        assert counter.standing() == before
        done = counter.ask(command)
        if isinstance(done, str):
            refused += 1
            assert trial == done
            continue
        assert (trial.dry_run, trial.recorded_at, trial.position) == (True, None, position)
        assert trial.account == (None if isinstance(command, OpenAccount) else done.account)
        but_for_the_word = {"dry_run": False, "position": 0, "recorded_at": None, "account": None}
        assert msgspec.structs.replace(trial, **but_for_the_word) == msgspec.structs.replace(done, **but_for_the_word)
    assert refused == 3


def test_a_dry_run_in_a_batch_does_not_see_its_neighbours_nor_they_it(counter):
    (account,) = counter.accounts(1)
    trial = counter.pay(account, dry_run=True)
    real = counter.pay(account, 2_00)
    told = counter.together(trial, real, counter.pay_out(account, 1_00, dry_run=True))
    assert (told[0].version, told[0].dry_run, told[1].version, told[1].dry_run) == (2, True, 2, False)
    assert told[2] == "AMOUNT"
    assert counter.fen(account) == 2_00
    same = msgspec.structs.replace(trial, dry_run=False)
    assert counter.ask(same).version == 3


# -- beside imports, and rules that change -----------------------------------------------------------------------------


def import_rows(counter, *rows) -> list[str]:
    """Rows of a file of payments: for each its outcome, or the reason of its refusal."""
    columns = {name: place for place, name in enumerate(REQUIRED)}
    cells = [(line, list(row), "") for line, row in enumerate(rows, 2)]
    intake = PaymentIntake(counter.log, counter.register, Source("f.csv", uuid4().hex * 2, cells, columns), "税务")
    told = []
    intake.run(told.extend, lambda _: None)
    return [str(one.refusal.reason) if one.refusal else str(one.ended) for one in told]


def file_row(sequence, serial, yuan="100.00", day="2023-05-10"):
    number = number_of(sequence)
    return (
        serial, f"T{serial}", number, f"测{sequence}", day[:4], "个人缴费", "正常应缴", yuan, day, day, "新增", "B1",
    )  # fmt: skip


def test_a_command_and_a_row_of_a_file_know_each_other(counter):
    (account,) = counter.accounts(1)
    assert import_rows(counter, file_row(1, "F1")) == ["recorded"]
    same = {"voucher": "TF1", "paid_on": DAY}
    there = counter.ask(counter.pay(account, serial="F1", batch="其他批次", **same))
    assert (there.already_there, there.events, there.version, there.recorded_at) == (True, [], 2, None)
    assert there.position == counter.position()
    for other in (
        counter.pay(account, 100_01, serial="F1", **same),
        counter.pay(account, serial="F1", voucher="TF1"),
        counter.pay(account, serial="F1", **same, payment_type="interrupted"),
    ):
        assert counter.ask(other) == "SERIAL_CONFLICT"
    command = counter.pay(account, serial="C1", voucher="TC1", paid_on=DAY)
    assert not counter.ask(command).already_there
    before = counter.position()
    assert import_rows(counter, file_row(1, "C1"), file_row(1, "C1", "100.01")) == ["already_there", "SERIAL_CONFLICT"]
    assert counter.position() == before
    assert counter.fen(account) == 200_00


def test_a_serial_twice_in_one_batch_is_one_payment(counter):
    one, two = counter.accounts(2)
    before = counter.position()
    first, again, other, another_account = counter.together(
        counter.pay(one, serial="S"),
        counter.pay(one, serial="S"),
        counter.pay(one, 1, serial="S"),
        counter.pay(two, serial="S"),
    )
    assert (first.already_there, again.already_there, again.version) == (False, True, first.version)
    assert again.position >= first.position  # or whoever waits for its position would not find the payment yet
    assert [other, another_account] == ["SERIAL_CONFLICT"] * 2
    assert counter.position() == before + 1
    assert counter.ask(counter.pay(one, serial="S")).already_there


def test_a_repeated_command_that_found_its_row_there_is_answered_the_same(counter):
    (account,) = counter.accounts(1)
    counter.ask(counter.pay(account, serial="S"))
    again = counter.pay(account, serial="S")
    first = counter.ask(again)
    counter.ask(counter.pay(account, 1))
    assert counter.ask(again) == first
    assert counter.ask(counter.pay(account, 2, command_id=again.command_id)) == "COMMAND_ID"


def test_rules_changed_between_two_batches_are_seen(counter):
    (account,) = counter.accounts(1)
    aid = counter.pay(account, kind="social_aid")
    assert counter.ask(aid) == "NO_CAP"
    assert counter.ask(msgspec.structs.replace(aid, dry_run=True)) == "NO_CAP"
    enter_value(counter.log, "cap", 2023, "150")
    assert counter.ask(msgspec.structs.replace(aid, dry_run=True)).events[0].amount == "100.00"
    assert isinstance(counter.ask(aid), Answer)
    assert counter.ask(counter.pay(account, kind="social_aid")) == "OVER_CAP"


def test_a_village_that_came_meanwhile_is_found(counter):
    opening = counter.open(division="青县 / 青镇 / 白村")
    assert counter.ask(opening) == "UNKNOWN_DIVISION"
    with counter.log.connections.connection() as connection:
        statement = "INSERT INTO {division} VALUES ('x.01.001.002', 'village', 'x.01.001', '白村')"
        connection.execute(counter.log.sql(statement))
    assert counter.state(counter.ask(opening).account).division == "x.01.001.002"


def test_the_digest_of_a_command_needs_the_key(counter):
    command = counter.open()
    other = Register(counter.log, Keys(bytes(32)))
    assert counter.register.command_digest(said(command)) != other.command_digest(said(command))


# -- parts of one transaction ------------------------------------------------------------------------------------------


def test_commands_of_later_parts_stand_on_what_earlier_ones_left(counter):
    """More commands than a part takes: one account's chain runs through all of them, refusals, repeats and all."""
    account, other = counter.accounts(2)
    before = counter.position()
    chain = [counter.pay(account, 1_00 + place) for place in range(3 * transaction.PART)]
    chain[5] = counter.pay(account, -1)
    chain[transaction.PART + 3] = counter.pay_out(account, 10**12)
    repeated, known = chain[1], counter.pay(other, 7_00, serial="640100000000000001")
    chain[4], chain[2 * transaction.PART + 4] = known, msgspec.structs.replace(known, command_id=uuid4())
    chain[2 * transaction.PART + 1] = repeated
    taken_back = counter.reverse(account, 2)
    told = counter.together(*chain, taken_back)
    assert [place for place, one in enumerate(told) if not isinstance(one, Answer)] == [5, transaction.PART + 3]
    assert told[2 * transaction.PART + 1] == told[1]
    again = told[2 * transaction.PART + 4]
    assert (again.already_there, again.version, again.events) == (True, told[4].version, [])
    events = {one.command_id: one for one in told if isinstance(one, Answer) and one.events}
    mine = [one for one in events.values() if one.account == account]
    assert sorted(one.version for one in mine) == list(range(2, 2 + len(mine)))
    rows = counter.rows(before)
    assert all(agrees(one, rows) for one in events.values())
    assert [row.id for row in rows] == list(range(before + 1, counter.position() + 1))
    assert len({one.recorded_at for one in events.values()}) == 1
    assert counter.fen(account) == sum(yuan_to_fen(event.amount or "0") for one in mine for event in one.events)


def test_a_fault_in_the_last_part_leaves_nothing_of_the_parts_before_it(counter, monkeypatch):
    accounts = counter.accounts(2 * transaction.PART + 5)
    commands = [counter.pay(account, 1_00) for account in accounts]
    commands[-1] = counter.pay_out(accounts[-1], 1, reason="坏")
    before, real, asked = counter.position(), batch.pay_out, []
    monkeypatch.setattr(coalesce, "DECIDING_SECONDS_MAX", 60.0)  # or a slow machine parts them into transactions

    def pay_out(*arguments):
        asked.append(counter.position())  # another connection sees nothing of what was sent
        raise LookupError("the decision broke")

    monkeypatch.setattr(batch, "pay_out", pay_out)
    told = counter.together(*commands)
    monkeypatch.setattr(batch, "pay_out", real)
    assert asked[0] == before
    assert isinstance(told[-1], LookupError)
    assert all(isinstance(one, Answer) for one in told[:-1])
    assert len({one.recorded_at for one in told[:-1]}) == len(commands) - 1  # each by itself, after the fault
    assert len(counter.rows(before)) == len(commands) - 1
