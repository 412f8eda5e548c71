"""After an erasure: what reads tell is what they told before, but for the name; and the log still proves itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from api.cli.statement_text import events_text, statement_text
from ledger.account_decisions import Payment
from ledger.account_events import HolderErased
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import CloseAccount, Command, EraseParticipant, OpenAccount, RecordPayment
from ledger.refusals import HOUSE
from ledger.store.keys import Keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import MoneyKind, new_id
from projections.balances import balances
from projections.folds import FOLDS, execute
from projections.history import events
from projections.rebuild import rebuild
from projections.runner import catch_up
from projections.statement import statement, statements
from projections.verify import register_check, verify
from samples.people import citizen_number
from tests.projections.conftest import VILLAGE, Book

NAMES = ("阿丽玛", "巴雅尔")
NUMBERS = [citizen_number(f"64000019800301{place:03d}") for place in (7, 8)]
YEARS = (2024, 2025)


@dataclass
class Told:
    """Two people's accounts, what reads told of them at three positions, and the first one's erasure since."""

    log: PoolLog
    register: Register
    accounts: list[UUID] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    position: int = 0

    def reads(self, known_at: str) -> str:
        """Everything an operator can ask as known then, as the bytes of JSON."""
        versions = self.register.versions
        said: list[Any] = [statement(self.log, self.accounts[0], year, None, known_at, versions) for year in YEARS]
        said += [list(statements(self.log, year, None, known_at, versions)) for year in YEARS]
        said.append(list(events(self.log, self.accounts[0], known_at)))
        for by in ("account", "county"):
            told = balances(self.log, by, None, known_at)
            said.append({**told, "rows": list(told["rows"])})
        return json.dumps(said, ensure_ascii=False)


@pytest.fixture
def told(book: Book) -> Told:
    made = Told(book.log, Register(book.log, Keys(bytes(range(32)))))
    writers = Writers()
    writer = PoolWriter(made.log, made.register, writers)

    def ask(kind: type[Command], **said: Any) -> Any:
        return writer.ask(kind(actor="经办甲", reviewer="复核乙", command_id=new_id(), **said))

    for number, name in zip(NUMBERS, NAMES, strict=True):
        opened = ask(OpenAccount, number=number, name=name, division=VILLAGE, opened_on=date(2021, 1, 5))
        made.accounts.append(opened.account)
        for day in (date(2024, 3, 3), date(2025, 3, 3)):
            paid = Payment(
                MoneyKind.CONTRIBUTION, 20_000, day.year, day, paid_on=day, serial=f"S{len(made.accounts)}-{day}"
            )
            ask(RecordPayment, account=opened.account, payment=paid)
    for position in range(made.log.position()[0] - 3, made.log.position()[0] + 1):
        made.before[str(position)] = made.reads(str(position))
    ask(CloseAccount, account=made.accounts[0], on=date(2025, 12, 4), reason="死亡")
    made.position = made.log.position()[0]
    made.before[str(made.position)] = made.reads(str(made.position))
    ask(EraseParticipant, number=NUMBERS[0], reason="亲属书面申请", cause="窗口")
    writers.close()
    return made


def test_what_was_known_before_is_told_again_byte_for_byte(told: Told) -> None:
    assert len(told.before) == 5
    for known_at, before in told.before.items():
        assert told.reads(known_at) == before
    assert not any(secret in before for before in told.before.values() for secret in (*NAMES, *NUMBERS))


def test_what_is_known_now_differs_in_the_event_alone(told: Told) -> None:
    account = told.accounts[0]
    now = statement(told.log, account, 2025, register_versions=told.register.versions)
    then = statement(told.log, account, 2025, known_at=str(told.position), register_versions=told.register.versions)
    assert now.pop("position") == told.position + 1
    assert then.pop("position") == told.position
    assert now.pop("known_at") > then.pop("known_at")
    assert now == then
    assert now["register_version"] == 1
    held = balances(told.log, "account")
    assert [row["balance"] for row in held["rows"] if row["account"] == str(account)] == ["0.00"]


def test_the_event_says_who_why_and_by_what_rule_and_not_whom(told: Told) -> None:
    *_, last = events(told.log, told.accounts[0])
    assert last["title"] == "删除身份信息"
    assert (last["actor"], last["reviewer"], last["cause"]) == ("经办甲", "复核乙", "窗口")
    assert (last["clause"], last["amounts"], last["effective_on"]) == (HOUSE, {}, None)
    assert last["body"]["reason"] == "亲属书面申请"
    text = "\n".join(events_text([last], ""))
    assert all(word in text for word in ("删除身份信息", "经办甲", "复核乙", "窗口", "亲属书面申请", HOUSE))
    assert not any(secret in text for secret in (*NAMES, *NUMBERS))


def test_the_person_prints_as_erased_and_nobody_else_does(told: Told) -> None:
    for account, name, shown in zip(told.accounts, ("已删除", NAMES[1]), ("", "640000********"), strict=True):
        answer = statement(told.log, account, 2025, register_versions=told.register.versions)
        row = execute_one(told, "SELECT participant_id FROM {account_holder} WHERE account_id = %s", account)
        registered = told.register.open(row, answer["register_version"])
        lines = list(statement_text(answer, told.log.pool, (registered, VILLAGE), {}))
        (line,) = [line for line in lines if line.startswith("姓名：")]
        assert line.split("公民身份号码：")[0].strip() == f"姓名：{name}"
        assert line.split("公民身份号码：")[1].split("统筹区：")[0].strip().startswith(shown)
        assert NUMBERS[0] not in "\n".join(lines)


def execute_one(told: Told, text: str, *parameters: object) -> Any:
    with told.log.connections.connection() as connection:
        ((value,),) = execute(connection, told.log, text, parameters)
    return value


def test_the_folds_pass_over_it_and_stand_behind_it(told: Told) -> None:
    catch_up(told.log)
    end = told.log.position()[0]
    account = told.accounts[0]
    for fold in FOLDS:
        assert execute_one(told, "SELECT position FROM {projection} WHERE name = %s", fold.name) == end
    assert execute_one(told, "SELECT last_id FROM {balance} WHERE account_id = %s", account) == end
    assert execute_one(told, "SELECT max(notification_id) FROM {line} WHERE account_id = %s", account) == end - 1
    assert execute_one(told, "SELECT count(*) FROM {line} WHERE topic = %s", HolderErased.topic) == 0


def test_the_log_proves_itself_before_and_after_a_rebuild(told: Told) -> None:
    check = register_check(told.register)
    assert verify(told.log, check) == []
    catch_up(told.log)
    assert verify(told.log, check) == []
    rebuild(told.log)
    assert verify(told.log, check) == []
    assert told.reads(str(told.position)) == told.before[str(told.position)]


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        ("UPDATE {participant_name} SET sealed_name = 'x' WHERE sealed_name IS NULL", {"register_changed"}),
        ("UPDATE {participant} SET digest = 'x' WHERE digest IS NULL", {"register_changed"}),
        ("UPDATE {external_identity} SET content = 'x' WHERE length(content) = 1", {"register_changed"}),
        ("UPDATE {command} SET input_hash = 'x' WHERE input_hash = ''", {"register_changed"}),
        ("DELETE FROM {ledger_events} WHERE topic = 'account.holder_erased'", {"id_gap", "log_deleted"}),
    ],
)
def test_an_erasure_by_half_is_found(told: Told, damage: str, kinds: set[str]) -> None:
    catch_up(told.log)
    with told.log.connections.connection() as connection:
        assert connection.execute(told.log.sql(damage)).rowcount > 0
    found = {finding.kind for finding in verify(told.log, register_check(told.register))}
    assert kinds <= found, found
