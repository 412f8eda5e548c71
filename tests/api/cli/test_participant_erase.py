"""`participant erase` through the installed command: what it refuses, and that nothing of the person is left."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from ledger.account_decisions import Payment
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import (
    Answer,
    CloseAccount,
    Command,
    EraseParticipant,
    OpenAccount,
    RecordPayment,
    encode_answer,
    said,
)
from ledger.identity import normalise_citizen_number
from ledger.refusals import Reason, Refused
from ledger.store.connections import Connections
from ledger.store.keys import KEY_FILE
from ledger.store.register import ERASED, Register
from ledger.store.register_proof import RegisterProof
from ledger.store.server import EmbeddedServer, Layout, bin_dir
from ledger.words import MoneyKind, new_id
from tests.api.cli.desk import RECORDED, Desk, Ended, Person, person

GONE, STAYS = person(701, "欧阳忘川"), person(702, "司徒常在")
RENAMED = GONE._replace(name="欧阳离殇")
REASON = "继承人书面申请"
PLACE = "青县/青镇/青村"


def command(kind: type[Command], *, reviewer: str = "复核乙", **more: Any) -> Any:
    return kind(actor="经办甲", reviewer=reviewer, command_id=more.pop("command_id", None) or new_id(), **more)


def ask(desk: Desk, *commands: Command) -> list[Answer]:
    """Have single commands done, one after the other."""
    writers = Writers()
    writer = PoolWriter(desk.log, desk.register, writers)
    try:
        return [writer.ask(one) for one in commands]
    finally:
        writers.close()


def close(desk: Desk, who: Person) -> None:
    ask(desk, command(CloseAccount, account=desk.account(who), on=date(2025, 12, 4), reason="死亡"))


def erase(
    desk: Desk, who: Person, *more: object, reason: str = REASON, reviewer: str = "复核乙", inside: bool = True
) -> Ended:
    way = desk.inside if inside else desk.ledger
    return way(
        "participant", "erase", "--pool", desk.code, "--citizen", who.number, "--reason", reason, "--actor", "经办甲",
        "--reviewer", reviewer, *more,
    )  # fmt: skip


def damaged(number: str, place: int = 11) -> str:
    """The number with one wrong digit, so that its check fails."""
    return number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]


OF_GONE: list[dict[str, object]] = [
    {},  # nobody knows the number yet
    {"姓名": "旁人"},
    {"公民身份号码": damaged(GONE.number)},
    {"公民身份号码": damaged(GONE.number, 0), "姓名": "旁人"},
    {"公民身份号码": GONE.number[:9] + GONE.number[10:], "姓名": "旁人"},
    {"公民身份号码": GONE.number[:15] + GONE.number[16] + GONE.number[15] + GONE.number[17], "姓名": "旁人"},
    {"公民身份号码": "", "姓名": f" {GONE.name[:2]} {GONE.name[2:]}"},
    {"公民身份号码": GONE.name, "姓名": GONE.number},
    {"公民身份号码": "", "姓名": "旁人", "上解日期": f"{GONE.name}（{GONE.number}）"},
    {"公民身份号码": "", "姓名": "旁人", "电子税票号码": GONE.number[:6] + GONE.number[8:17]},
    {"公民身份号码": "", "姓名": RENAMED.name},  # a name of later
]
OF_OTHERS: list[dict[str, object]] = [
    {"公民身份号码": damaged(STAYS.number), "姓名": STAYS.name},
    {"公民身份号码": "", "姓名": f"{GONE.name}霞"},
    {"公民身份号码": damaged(damaged(GONE.number), 13), "姓名": "旁人"},
    {"公民身份号码": person(703).number, "姓名": "旁人"},
]


def unread_rows(desk: Desk) -> list[Any]:
    """Rows that say of nobody known who they are about: first those of whom is erased later."""
    rows = []
    for place, cells in enumerate((*OF_GONE, *OF_OTHERS)):
        plain = desk.payment(GONE, f"E{place}", on="2025-03-03")
        rows.append({**plain, **cells})
    return rows


# -- one home, from enrolment to the last file ---------------------------------------------------------------------


def said_whole(command: Command) -> bytes:
    """What `said` says of a command, the number also where `said` leaves it out."""
    plain = msgspec.structs.replace(command, command_id=UUID(int=0), cause="", dry_run=False)
    return msgspec.json.encode(plain, order="deterministic")


class Secrets:
    """All that says who somebody is, in the clear and as the key computes it, as it would stand in a text of a row."""

    def __init__(
        self, register: Register, people: list[Person], contents: list[bytes], commands: list[Command]
    ) -> None:
        number, who = people[0].number, register.find([register.digest(people[0].number)])
        participant = who[register.digest(number)].participant
        short = number[:6] + number[8:17]
        assert normalise_citizen_number(short) == number
        self.clear = [number, short, *(one.name for one in people)]
        self.digests = [register.digest(number), *(register.name_digest(participant, one.name) for one in people)]
        self.digests += contents
        self.digests += [register.command_digest(said_whole(one)) for one in commands]
        rows = (
            "SELECT wrapped_key, sealed_number FROM {participant} WHERE participant_id = %s",
            "SELECT sealed_name FROM {participant_name} WHERE participant_id = %s",
        )
        with register.log.connections.connection() as connection:
            for row in rows:
                for found in connection.execute(register.log.sql(row), (participant,)):
                    self.digests += [bytes(value) for value in found]
        assert len(self.digests) >= 10

    def needles(self) -> set[str]:
        encoded = {text.encode(way).hex() for text in self.clear for way in ("utf-8", "gb18030")}
        return {*self.clear, *encoded, *(digest.hex() for digest in self.digests)}

    def raw(self) -> set[bytes]:
        encoded = {text.encode(way) for text in self.clear for way in ("utf-8", "gb18030", "utf-16-le")}
        return {*encoded, *self.digests, *(digest.hex().encode() for digest in self.digests)}


def tables_that_say(connection: psycopg.Connection[Any], needles: set[str]) -> set[str]:
    """The tables of the ledger's schemas, the planner's statistics among them, in which a row holds one of these."""
    tables = connection.execute(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'"  # a temporary one is its session's alone
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    ).fetchall()
    assert len(tables) >= 14
    found = set()
    for (table,) in [*tables, ("pg_catalog.pg_stats",)]:
        for (row,) in connection.execute(f"SELECT t::text FROM {table} t").fetchall():
            if any(needle in row for needle in needles):
                found.add(table.split(".")[1].strip('"'))
    return found


class Lived:
    """A home of its own in which somebody was erased; its server has stopped."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.ended: dict[str, Ended] = {}
        self.said: dict[str, set[str]] = {}
        self.files: list[Path] = []
        self.dump = b""

    def live(self, server: EmbeddedServer, connections: Connections) -> None:
        self.desk = desk = Desk(self.home, connections, self.folder, "649901")
        desk.set("rate", 2025, "0.02")
        desk.enrol(STAYS)
        self.ended["early"] = desk.import_("payments", desk.payments(unread_rows(desk), "early.csv"))
        opened = command(OpenAccount, number=GONE.number, name=GONE.name, division=PLACE, opened_on=date(2020, 1, 1))
        self.account = ask(desk, opened)[0].account
        by_hand = Payment(MoneyKind.CONTRIBUTION, 30_000, 2025, date(2025, 4, 4), paid_on=date(2025, 4, 4), serial="H1")
        paid = command(RecordPayment, account=self.account, payment=by_hand)
        ask(desk, paid)
        rows = [desk.payment(GONE, "K1", on="2025-03-03"), desk.payment(STAYS, "K2", on="2025-03-03")]
        self.file = desk.payments(rows, "paid.csv")
        self.ended["paid"] = desk.import_("payments", self.file)
        rename = ("participant", "rename", "--citizen", GONE.number, "--name", RENAMED.name, "--document", "证明1号")
        self.ended["rename"] = desk.ledger(*rename, "--actor", "甲", "--reviewer", "乙")
        self.ended["open"] = erase(desk, GONE, inside=False)
        close(desk, GONE)
        self.id = new_id()
        by_command = [opened, paid, command(EraseParticipant, command_id=self.id, number=GONE.number, reason=REASON)]
        contents = desk.query("SELECT content FROM {external_identity} WHERE account_id = %s", self.account)
        assert len(contents) == 2
        assert desk.register.payment_content(desk.state(GONE).participant.bytes, by_hand) in {
            bytes(one) for (one,) in contents
        }
        digests = [bytes(one) for (one,) in contents]
        early = "line <= %s AND file_id = (SELECT min(file_id) FROM {exchange_file})"
        for (sealed,) in desk.query(f"SELECT sealed FROM {{exchange_record}} WHERE {early}", len(OF_GONE) + 1):
            digests.append(bytes(sealed))
        assert len(digests) == 2 + len(OF_GONE)
        self.secrets = Secrets(desk.register, [GONE, RENAMED], digests, by_command)
        with connections.connection() as connection:
            connection.execute("ANALYZE")
            self.said["before"] = tables_that_say(connection, self.secrets.needles())
        more = ("--command-id", self.id)
        self.ended["trial"] = erase(desk, GONE, *more, "--dry-run", "--json", inside=False)
        self.ended["erase"] = erase(desk, GONE, *more, "--json", inside=False)
        self.ended["again"] = erase(desk, GONE, *more, "--json", inside=False)
        self.ended["again, as text"] = erase(desk, GONE, *more, inside=False)
        self.ended["under another id"] = erase(desk, GONE, inside=False)
        for name in ("verify", "verify after a rebuild"):
            self.ended[name] = desk.ledger("projections", "verify", "--pool", desk.code)
            self.ended[f"rebuild after {name}"] = desk.ledger("projections", "rebuild", "--pool", desk.code)
        read = ("--pool", desk.code, "--account", self.account)
        self.ended["statement"] = desk.ledger("statement", *read, "--year", 2025)
        self.ended["events"] = desk.ledger("events", *read)
        self.ended["import"] = desk.import_("payments", self.file)
        self.outcomes = desk.outcomes(self.file)
        with connections.connection() as connection:
            self.said["after"] = tables_that_say(connection, self.secrets.needles())
        self.ended["dump"] = desk.ledger("database", "dump", self.folder / "dump")
        self.faults = list(RegisterProof(desk.register).faults())
        self.early = desk.query(
            f"SELECT line, digest IS NULL, sealed IS NULL, length(row_hash), fen FROM {{exchange_record}} WHERE"
            f" {early.replace('line <= %s AND ', '')} ORDER BY line"
        )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    home = Path(tempfile.mkdtemp(prefix="pl-erased-", dir="/tmp"))
    home.chmod(0o755)
    made = Lived(home, tmp_path_factory.mktemp("erased"))
    try:
        with EmbeddedServer(home) as server, Connections(server.url) as connections:
            made.live(server, connections)
        stopped(home)
        yield made
    finally:
        stopped(home)
        shutil.rmtree(home)


def stopped(home: Path) -> None:
    """Wait until the server has written everything out and ended."""
    deadline = time.monotonic() + 60
    while (Layout(home).cluster / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_command_ended_as_it_should_and_named_nobody(lived: Lived) -> None:
    codes = {name: ended.code for name, ended in lived.ended.items() if ended.code}
    assert codes == {"early": 2, "open": 1, "under another id": 1, "import": 2}, lived.ended
    assert "NOT_CLOSED" in lived.ended["open"].err
    assert "UNKNOWN_PERSON" in lived.ended["under another id"].err
    for name, ended in lived.ended.items():
        for secret in lived.secrets.clear:
            assert secret not in ended.out + ended.err, name


def test_the_same_id_is_told_the_first_answer(lived: Lived) -> None:
    first, trial = lived.ended["erase"].json, lived.ended["trial"].json
    assert lived.ended["again"].json == first
    assert first["command_id"] == str(lived.id)
    assert first["account"] == str(lived.account)
    assert [event["topic"] for event in first["events"]] == ["account.holder_erased"]
    assert (first["dry_run"], trial["dry_run"], trial["recorded_at"]) == (False, True, None)
    assert trial["events"] == first["events"]
    assert "身份信息已删除" in lived.ended["again, as text"].out


def test_no_row_of_any_table_says_who_it_was(lived: Lived) -> None:
    """The same look finds the person in the six tables before, and in the planner's statistics."""
    identified = {"participant", "participant_name", "external_identity", "exchange_record", "command", "pg_stats"}
    assert lived.said["before"] == identified
    assert lived.said["after"] == set()


def test_neither_dump_nor_result_file_nor_log_says_who_it_was(lived: Lived) -> None:
    told = subprocess.run(
        [str(bin_dir() / "pg_restore"), "-f", "-", str(lived.folder / "dump")], capture_output=True, check=True
    ).stdout
    assert b"holder_erased" in told
    places = {"dump": told, "file of the dump": (lived.folder / "dump").read_bytes()}
    places |= {str(path): path.read_bytes() for path in lived.folder.glob("*.result.csv")}
    for path in lived.home.rglob("*"):
        if path.is_file() and Layout(lived.home).cluster not in path.parents:
            places[str(path)] = path.read_bytes()
    assert len(places) >= 5
    assert str(lived.home / KEY_FILE) in places
    for name, held in places.items():
        found = [needle for needle in lived.secrets.raw() if needle in held]
        assert not found, name


def test_no_file_of_the_database_names_the_person_in_the_clear(lived: Lived) -> None:
    """What stands in write-ahead log and free space until it is written over is sealed or keyed: see the decisions."""
    clear = {text.encode(way) for text in lived.secrets.clear for way in ("utf-8", "gb18030")}
    looked = 0
    for path in Layout(lived.home).cluster.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            looked += len(held)
            assert not [needle for needle in clear if needle in held], path
    assert looked > 16_000_000


def test_the_account_is_told_without_its_holder(lived: Lived) -> None:
    shown = lived.ended["statement"].out
    (line,) = [line for line in shown.splitlines() if line.startswith("姓名：")]
    assert line.split("公民身份号码：")[0].strip() == f"姓名：{ERASED}"
    assert not line.split("公民身份号码：")[1].split("统筹区：")[0].strip()
    assert "400.00" in shown
    told = lived.ended["events"].out
    assert all(word in told for word in ("删除身份信息", "经办甲", "复核乙", REASON, "本账簿记账规则"))
    assert lived.faults == []


def test_a_row_of_somebody_erased_is_of_somebody_unknown(lived: Lived) -> None:
    assert lived.outcomes == ["UNKNOWN_PERSON", "已存在"]


def test_received_rows_that_named_the_person_are_emptied_and_no_other(lived: Lived) -> None:
    """What they say of money stays, where it could be read; the rows of others stay as they were."""
    gone, others = lived.early[: len(OF_GONE)], lived.early[len(OF_GONE) :]
    assert [(row[1:4]) for row in gone] == [(True, True, 8)] * len(OF_GONE)
    assert [row[1:4] for row in others] == [(True, False, 16)] * (len(others) - 1) + [(False, False, 16)]
    assert {row[4] for row in gone} == {100_00, None}
    assert all(row[4] for row in others)


# -- refusals, and the person anew ---------------------------------------------------------------------------------


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """Two people with money; the first one's account is closed."""
    desk.set("rate", 2025, "0.02")
    desk.enrol(GONE, STAYS)
    desk.pay(desk.payment(GONE, "K1", on="2025-03-03"), desk.payment(STAYS, "K2", on="2025-03-03"))
    close(desk, GONE)
    return desk


@pytest.mark.parametrize(
    ("who", "said_so", "reason"),
    [
        (GONE, {"reviewer": "经办甲"}, "SAME_PERSON"),
        (STAYS, {}, "NOT_CLOSED"),
        (person(709), {}, "UNKNOWN_PERSON"),
        (GONE, {"reason": f"{GONE.name}本人申请"}, "ROW_FAULT"),
        (GONE, {"reason": f"号码 {GONE.number} 有误"}, "ROW_FAULT"),
    ],
)
def test_what_is_refused(ready: Desk, who: Person, said_so: dict[str, Any], reason: str) -> None:
    position = ready.position()
    ended = erase(ready, who, **said_so)
    assert (ended.code, ended.out) == (1, "")
    assert f"拒绝 {reason} " in ended.err
    assert who.number not in ended.err
    assert who.name not in ended.err
    trial = erase(ready, who, "--dry-run", "--json", **said_so)
    assert (trial.code, trial.out) == (1, "")
    assert f"拒绝 {reason} " in trial.err
    assert ready.position() == position
    assert ready.register.open(ready.state(GONE).participant).name == GONE.name


def test_wrong_usage(ready: Desk) -> None:
    for more, reason in ((("--command-id", GONE.number), REASON), ((), " ")):
        ended = erase(ready, GONE, *more, reason=reason)
        assert ended.code == 64
        assert GONE.number not in ended.err
    assert erase(ready, GONE._replace(number="64000019800301")).code == 64


def test_a_trial_changes_nothing(ready: Desk) -> None:
    position, rows = ready.position(), ready.query("SELECT * FROM {participant} ORDER BY 1")
    ended = erase(ready, GONE, "--dry-run")
    assert ended.code == 0
    assert "试算" in ended.out
    assert ready.position() == position
    assert ready.query("SELECT * FROM {participant} ORDER BY 1") == rows


def test_an_id_that_erased_somebody_is_not_told_of_another(ready: Desk) -> None:
    """The number is no part of what is kept of the command: nobody must believe that the second is gone too."""
    used = new_id()
    assert erase(ready, GONE, "--command-id", used).code == 0
    close(ready, STAYS)
    for more in ((), ("--dry-run",)):
        ended = erase(ready, STAYS, "--command-id", used, *more)
        assert ended.code == 1
        assert "拒绝 COMMAND_ID " in ended.err
    assert ready.register.open(ready.state(STAYS).participant).name == STAYS.name
    other = erase(ready, GONE, "--command-id", used, reason="另一个原因")
    assert "拒绝 COMMAND_ID " in other.err


def test_the_same_person_may_come_again(ready: Desk) -> None:
    before = ready.account(GONE)
    old = ready.state(GONE).participant
    assert erase(ready, GONE).code == 0
    enrolled = ready.participants([GONE], "anew.csv", 参保日期="2026-01-05")
    assert ready.import_("participants", enrolled, inside=True).code == 0
    assert ready.account(GONE) != before
    assert ready.state(GONE).participant != old
    assert ready.register.open(old)[1:] == ("", ERASED, 1)
    file = ready.payments(
        [ready.payment(GONE, "K1", on="2025-03-03"), ready.payment(GONE, "K9", on="2026-03-03")], "anew-paid.csv"
    )
    assert ready.import_("payments", file, inside=True).code == 2
    assert ready.outcomes(file) == ["SERIAL_CONFLICT", RECORDED]  # what was booked once is not booked again
    rename = ("participant", "rename", "--pool", ready.code, "--citizen", GONE.number, "--name", RENAMED.name)
    assert ready.inside(*rename, "--document", "证明", "--actor", "甲", "--reviewer", "乙").code == 0
    assert ready.register.open(ready.state(GONE).participant).name == RENAMED.name
    assert list(RegisterProof(ready.register).faults()) == []


def test_a_renaming_of_somebody_erased_is_refused(ready: Desk) -> None:
    assert erase(ready, GONE).code == 0
    rename = ("participant", "rename", "--pool", ready.code, "--citizen", GONE.number, "--name", RENAMED.name)
    ended = ready.inside(*rename, "--document", "证明", "--actor", "甲", "--reviewer", "乙")
    assert ended.code == 1
    assert "UNKNOWN_PERSON" in ended.err


def test_an_erasure_stands_also_where_the_database_cannot_tidy_up(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_register: Register) -> None:
        raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")

    monkeypatch.setattr(Register, "sweep", locked)
    ended = erase(ready, GONE, "--json")
    assert ended.code == 0
    assert ended.json["events"]
    assert "待数据库自行清理" in ended.err
    assert ready.register.find([ready.register.digest(GONE.number)]) == {}


def test_every_account_of_the_person_says_so(ready: Desk) -> None:
    first = ready.account(GONE)
    again = command(OpenAccount, number=GONE.number, name=GONE.name, division=PLACE, opened_on=date(2026, 1, 5))
    second = ask(ready, again)[0].account
    assert second is not None
    assert f"账户{second}" in erase(ready, GONE).err  # the earlier account is closed, the later one is not
    ask(ready, command(CloseAccount, account=second, on=date(2026, 2, 4), reason="死亡"))
    assert erase(ready, GONE).code == 0
    for account in (first, second):
        assert ready.log.history(account)[-1].topic == "account.holder_erased"
    assert ready.query("SELECT count(*) FROM {command} WHERE input_hash = ''") == [(3,)]  # all but the erasing one
    assert list(RegisterProof(ready.register).faults()) == []


# -- in company ----------------------------------------------------------------------------------------------------


def together(desk: Desk, *commands: Command) -> list[Answer | Reason]:
    """What commands become that share one transaction: they queue up behind one that waits for the log's lock."""
    writers = Writers()
    writer = PoolWriter(desk.log, desk.register, writers)
    first = command(EraseParticipant, number=person(799).number, reason=REASON)
    waiters: list[Future[Answer]] = [Future() for _ in commands]
    with desk.log.connections.transaction() as held:
        held.execute(desk.log.sql("SELECT FROM {log_head} FOR UPDATE"))
        began: Future[Answer] = Future()
        threading.Thread(target=writer.submit, args=(first, began)).start()
        while writer._queue or not writer._at_work:
            time.sleep(0.01)
        for one, waiter in zip(commands, waiters, strict=True):
            writer.submit(one, waiter)
    writers.close()
    faults = [waiter.exception() for waiter in waiters]
    return [
        fault.refusal.reason if isinstance(fault, Refused) else waiter.result()
        for waiter, fault in zip(waiters, faults, strict=True)
    ]


def an_opening() -> Any:
    return command(OpenAccount, number=GONE.number, name=GONE.name, division=PLACE, opened_on=date(2026, 1, 5))


def an_erasure(command_id: UUID | None = None) -> Any:
    return command(EraseParticipant, number=GONE.number, reason=REASON, command_id=command_id)


def test_of_two_erasures_at_once_one_erases(ready: Desk) -> None:
    account = ready.account(GONE)
    done, refused = together(ready, an_erasure(), an_erasure())
    assert isinstance(done, Answer)
    assert refused is Reason.UNKNOWN_PERSON
    assert [event.topic for event in ready.log.history(account)].count("account.holder_erased") == 1
    twice = new_id()
    assert ask(ready, an_opening())[0].account
    close_again = command(CloseAccount, account=ready.account(GONE), on=date(2026, 2, 4), reason="死亡")
    ask(ready, close_again)
    first, second = together(ready, an_erasure(twice), an_erasure(twice))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert encode_answer(first) == encode_answer(second)
    assert list(RegisterProof(ready.register).faults()) == []


def test_an_account_opened_a_moment_before_keeps_the_person(ready: Desk) -> None:
    opened, refused = together(ready, an_opening(), an_erasure())
    assert isinstance(opened, Answer)
    assert refused is Reason.NOT_CLOSED
    assert ready.account(GONE) == opened.account
    assert ready.register.open(ready.state(GONE).participant).name == GONE.name


def test_an_account_opened_a_moment_after_is_somebody_s_new_one(ready: Desk) -> None:
    old = ready.state(GONE).participant
    erased, opened = together(ready, an_erasure(), an_opening())
    assert isinstance(erased, Answer)
    assert isinstance(opened, Answer)
    assert ready.state(GONE).participant != old
    assert ready.register.open(old).name == ERASED
    assert list(RegisterProof(ready.register).faults()) == []


def test_what_is_kept_of_an_erasing_command_leaves_the_number_out(ready: Desk) -> None:
    """The rest of it counts; and of other commands the number does."""

    def digest(kind: type[Command], **more: Any) -> bytes:
        return ready.register.command_digest(said(command(kind, **more)))

    erasing = digest(EraseParticipant, number=GONE.number, reason=REASON)
    assert digest(EraseParticipant, number=STAYS.number, reason=REASON) == erasing
    assert digest(EraseParticipant, number=GONE.number, reason="另一个原因") != erasing
    assert digest(EraseParticipant, number=GONE.number, reason=REASON, reviewer="复核丙") != erasing
    marks = '"type":"EraseParticipant"'
    opening = {"name": marks, "division": PLACE, "opened_on": date(2026, 1, 5)}
    assert digest(OpenAccount, number=STAYS.number, **opening) != digest(OpenAccount, number=GONE.number, **opening)
