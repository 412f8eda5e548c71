"""Many counters at once: what they get is what the same commands give one by one, and nothing is lost between them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter as Tally
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import clock
from ledger.account import PersonalAccount, evolve
from ledger.account_decisions import NEEDS_HISTORY, record_payment, reverse_entry
from ledger.account_events import AccountEvent, BenefitPaid, Refunded
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import Answer, CloseAccount, Command, PayOut, RecordPayment, ReverseEntry
from ledger.interest_decisions import leave
from ledger.money_out import pay_out
from ledger.refusals import Refusal, Refused
from ledger.store.log import PoolLog
from ledger.store.states import encode_state, states_of
from migrations.run import migrate
from tests.ledger.desk.counter import Counter, enter_value, set_up

HOUSE = Path(__file__).parents[3]
THREADS = 8


@pytest.fixture(scope="module")
def busy(server, connections) -> Counter:
    """A pool for all examples; each opens accounts of its own."""
    migrate(server.url, ["busycounters"])
    counter = Counter(PoolLog(connections, "busycounters"))
    set_up(counter.log)
    for year in range(2020, 2027):
        enter_value(counter.log, "cap", year, "3000")
    return counter


def random_command(counter: Counter, accounts: list[UUID], serials: list[str], chance: random.Random) -> Command:
    """Money in and out, reversals and ends, a few of them trials; about a third is refused."""
    account = chance.choice(accounts)
    day = date(chance.randint(2022, 2025), chance.randint(1, 12), chance.randint(1, 28))
    trial = {"dry_run": chance.random() < 0.1}
    roll = chance.random()
    if roll < 0.5:
        kind = chance.choice(["contribution", "social_aid", "government_subsidy"])
        serial = chance.choice(["", "", chance.choice(serials)])
        return counter.pay(account, chance.randint(1, 500_00), day, kind=kind, serial=serial, **trial)
    if roll < 0.75:
        kind = chance.choice(["pension", "refund"])
        return counter.pay_out(account, chance.randint(1, 300_00), day, kind=kind, reason="多缴", **trial)
    if roll < 0.995:
        return counter.reverse(account, chance.randint(1, 12), **trial)
    return counter.close(account, date(2026, 1, 5), **trial)


@dataclass
class OneByOne:
    """The same accounts decided by the pure functions alone, one command after the other."""

    counter: Counter
    states: dict[UUID, PersonalAccount] = field(default_factory=dict)
    events: dict[UUID, list[AccountEvent]] = field(default_factory=dict)

    def do(self, command: Any) -> tuple[AccountEvent, ...]:
        state, past = self.states[command.account], self.events[command.account]
        rules, today = self.counter.log.rules(), clock.today()
        decided: Any = NEEDS_HISTORY
        match command:
            case RecordPayment():
                decided = record_payment(state, command.payment, rules, command.origin, today, past)
            case PayOut():
                kind = Refunded if command.kind == "refund" else BenefitPaid
                decided = pay_out(state, kind, command.fen, command.on, rules, command.origin, today, command.reason)
            case ReverseEntry():
                decided = reverse_entry(state, command.version, command.reason, rules, command.origin, past)
            case CloseAccount():
                decided = leave(state, command.on, rules, command.origin, today, reason=command.reason)
        assert not isinstance(decided, Refusal), (command, decided)
        for event in decided:
            state = evolve(state, event)
        self.states[command.account] = state
        past.extend(decided)
        return decided


def all_at_once(writer: PoolWriter, shares: list[list[Command]]) -> list[tuple[Command, Answer | str]]:
    """Each share asked by a thread of its own, in its order."""
    told: list[tuple[Command, Answer | str]] = []
    start = threading.Barrier(len(shares))

    def ask(share: list[Command]) -> None:
        start.wait()
        for command in share:
            try:
                told.append((command, writer.ask(command)))
            except Refused as refused:
                told.append((command, str(refused.refusal.reason)))
            except BaseException as fault:
                told.append((command, f"fault {fault!r}"))

    threads = [threading.Thread(target=ask, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


seen: Tally[str] = Tally()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), count=st.integers(2, 4))
def test_commands_of_eight_threads_are_those_of_one_in_the_order_of_the_log(busy, seed, count):
    chance, counter = random.Random(seed), busy
    accounts = counter.accounts(count)
    counter.together(*(counter.pay(account, 800_00, date(2022, 4, 1)) for account in accounts))
    for account in accounts[1:]:  # money of 2022 is late for these, and settles the year anew
        counter.credit(account, 2022)
    before = counter.position()
    model = OneByOne(counter)
    for account in accounts:
        model.states[account], model.events[account] = counter.state(account), counter.log.history(account)
    serials = [f"S{seed}-{place}" for place in range(6)]
    commands = [random_command(counter, accounts, serials, chance) for _ in range(THREADS * 12)]
    commands += [msgspec.structs.replace(chance.choice(commands), cause="again") for _ in range(THREADS * 2)]
    commands += [msgspec.structs.replace(chance.choice(commands), command_id=uuid4()) for _ in range(THREADS * 2)]
    chance.shuffle(commands)
    writers = Writers()
    told = all_at_once(
        PoolWriter(counter.log, counter.register, writers), [commands[place::THREADS] for place in range(THREADS)]
    )
    writers.close()

    assert len(told) == len(commands)
    assert not [answer for _, answer in told if isinstance(answer, str) and answer.startswith("fault")]
    accepted: dict[UUID, tuple[Command, Answer]] = {}
    for command, answer in told:
        if isinstance(answer, str):
            seen[answer] += 1
        elif not answer.dry_run:
            assert accepted.setdefault(command.command_id, (command, answer))[1] == answer
            seen["repeated" if command.cause else "recorded" if answer.events else "already there"] += 1
            seen["settled anew"] += answer.events[-1:] != [] and answer.events[-1].topic == "account.interest_adjusted"
    rows = counter.rows(before)
    recorded = sorted((pair for pair in accepted.values() if pair[1].events), key=lambda pair: pair[1].position)
    assert sum(len(answer.events) for _, answer in recorded) == len(rows)
    for command, answer in recorded:
        decided = model.do(_as_recorded(command, model, counter, answer))
        assert [(one.version, one.topic) for one in answer.events] == [
            (place, event.topic) for place, event in enumerate(decided, answer.version - len(decided) + 1)
        ]
    for account in accounts:
        ((_, stored),) = states_of(counter.log, [account.bytes])
        assert stored == encode_state(model.states[account])
        assert counter.log.history(account) == model.events[account]


def _as_recorded(command: Command, model: OneByOne, counter: Counter, answer: Answer) -> Command:
    """The command with the cause under which it was recorded: of two sendings either may have been the first."""
    first = counter.log.history(answer.account)[answer.version - len(answer.events)]
    return msgspec.structs.replace(command, cause=first.cause)


def test_the_random_commands_met_what_they_are_to_meet():
    if not seen:
        pytest.skip("the property did not run")
    for what in ("recorded", "repeated", "already there", "settled anew", "AMOUNT", "SERIAL_CONFLICT"):
        assert seen[what], seen


def test_two_processes_on_the_same_accounts_lose_nothing(busy, server, tmp_path):
    """Some payments have the same serial in both, some the very same command id: each is in the log once."""
    accounts = busy.accounts(3)
    before = busy.position()
    chance = random.Random(7)
    own = [[[str(chance.choice(accounts)), place + 1, "", str(uuid4())] for place in range(150)] for _ in range(2)]
    serials = [[str(chance.choice(accounts)), 1000 + place, f"P{place}", ""] for place in range(60)]
    same = [[str(chance.choice(accounts)), 2000 + place, "", str(uuid4())] for place in range(40)]
    asked = [[*mine, *([*row[:3], str(uuid4())] for row in serials), *same] for mine in own]
    for rows in asked:
        chance.shuffle(rows)
    running = []
    for place, rows in enumerate(asked):
        file = tmp_path / f"{place}.json"
        file.write_text(json.dumps(rows), "utf-8")
        words = [sys.executable, "-m", "tests.ledger.desk.other_counter", server.url, busy.log.pool, str(file)]
        running.append(subprocess.Popen(words, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    told = [json.loads(out) for out in ended]

    recorded = sum(len(rows) for rows in own) + len(serials) + len(same)
    rows = busy.rows(before)
    assert len(rows) == recorded
    assert [row.id for row in rows] == list(range(before + 1, before + 1 + recorded))
    expected: Tally[str] = Tally()
    for account, fen, *_ in (*own[0], *own[1], *serials, *same):
        expected[account] += fen
    assert {str(account): busy.fen(account) for account in accounts} == dict(expected)
    known = {(row.id, str(row.account), row.version) for row in rows}
    by_id: dict[str, list[Any]] = {}
    there: Tally[str] = Tally()
    for rows_asked, answers in zip(asked, told, strict=True):
        for (account, _, serial, command_id), (version, position, already_there) in zip(
            rows_asked, answers, strict=True
        ):
            assert by_id.setdefault(command_id, [version, position]) == [version, position]
            if already_there:
                there[serial] += 1
            else:
                assert (position, account, version) in known
    assert there == {row[2]: 1 for row in serials}
    both = [sorted(answer[1] for answer in answers) for answers in told]
    assert both[0][0] < both[1][-1]
    assert both[1][0] < both[0][-1], "the two did not meet"
