"""The register: who is found, which name was known when, and what a changed row says."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from eventsourcing.persistence import IntegrityError

from ledger.account_decisions import open_account
from ledger.account_events import ContributionRecorded, HolderErased
from ledger.jobs.corrections import rename
from ledger.jobs.rule_entry import open_rules
from ledger.late_money import Origin
from ledger.refusals import Reason, Refused
from ledger.store.batch import Tranche
from ledger.store.command_ids import CommandRow, write_commands
from ledger.store.external_identities import NEW, RecordedRow, write_rows
from ledger.store.keys import Keys
from ledger.store.register import ERASED, NewHolder, Register, Registered, new_participant
from ledger.store.register_proof import RegisterProof
from ledger.words import Amounts, new_id
from samples.people import citizen_number

KEYS = Keys(bytes(range(32)))
NUMBERS = [citizen_number(f"64000019800301{place:03d}") for place in (7, 8, 9)]
TWO = Origin("甲", "乙")


@pytest.fixture
def register(pool_log):
    open_rules(pool_log, "测试", "ningxia", "甲")
    made = Register(pool_log, KEYS)
    for number, name in zip(NUMBERS, ("阿丽玛", "巴雅尔", "其其格"), strict=True):
        enrol(made, pool_log, number, name)
    return made


def enrol(register, log, number, name, participant=None):
    tranche, account = Tranche(log), new_id().bytes
    who = participant or new_participant()
    opened = open_account(log.rules(), TWO, who, "x.01.001.001", date(1980, 3, 1), date(2019, 1, 1), date(2024, 1, 1))
    tranche.add(account, opened)
    holder = NewHolder(who, account, "x.01.001.001", "" if participant else number, "" if participant else name)
    log.record(tranche.writes(), lambda cursor, _, at: register.write(cursor, [holder], "甲", "登记文件", at))
    return account


def erase(register, log, who):
    """What the desk records: the event of each account, and beside it the destruction."""
    tranche, accounts = Tranche(log), register.accounts_of(who)
    tranche.load(accounts)
    event = HolderErased(**TWO._asdict(), rule="", participant=who, reason="本人申请")
    for account in accounts:
        tranche.decide(account.bytes, lambda _state, _past: (event,))
    log.record(tranche.writes(), lambda cursor, _moved, _at: register.erase(cursor, who))


def found(register, place=0):
    digest = register.digest(NUMBERS[place])
    return register.find([digest])[digest]


def change(log, statement, *parameters):
    with log.connections.connection() as connection:
        return connection.execute(log.sql(statement), parameters)


def test_people_are_found_by_number_and_told_apart_by_name(register):
    holder = found(register)
    assert register.open(holder.participant)[1:] == (NUMBERS[0], "阿丽玛", 1)
    assert holder.name_digest == register.name_digest(holder.participant, "阿 丽　玛")
    assert holder.name_digest != register.name_digest(holder.participant, "阿丽马")
    assert holder.name_digest != register.name_digest(found(register, 1).participant, "阿丽玛")
    assert register.account_of(NUMBERS[0]).bytes == holder.account
    assert register.account_of(citizen_number("64000019800301999")) is None
    assert list(RegisterProof(register).faults()) == []


def test_the_latest_of_somebody_s_accounts_is_found(register, pool_log):
    holder = found(register)
    second = enrol(register, pool_log, NUMBERS[0], "", holder.participant)
    assert found(register).account == second != holder.account
    assert list(RegisterProof(register).faults()) == []


def test_two_pools_have_nothing_in_common_to_compare(register, server, connections):
    other = Register(type(register.log)(connections, register.log.pool + "x"), KEYS)
    assert other.digest(NUMBERS[0]) != register.digest(NUMBERS[0])


def test_names_have_a_history(register, pool_log):
    who, quick = found(register).participant, datetime.now(UTC)
    done = rename(pool_log, register, NUMBERS[0], " 阿丽玛·其木格 ", "公安变更证明1号", TWO)
    assert (done.version, done.events[0].register_version, done.events[0].participant) == (2, 2, who)
    rename(pool_log, register, NUMBERS[0], "阿丽玛", "公安变更证明2号", TWO)
    assert [register.open(who, version).name for version in (1, 2, 3)] == ["阿丽玛", "阿丽玛·其木格", "阿丽玛"]
    assert register.open(who).register_version == 3
    assert register.versions([who], quick) == {who: 1}
    assert register.versions([who], datetime(2000, 1, 1, tzinfo=UTC)) == {}
    assert register.versions([who], None) == {who: 3}
    assert found(register).name_digest == register.name_digest(who, "阿丽玛")
    for origin, name, number, reason in (
        (Origin("甲", "甲"), "新", NUMBERS[0], Reason.SAME_PERSON),
        (TWO, " ", NUMBERS[0], Reason.IDENTITY_FAULT),
        (TWO, "新", citizen_number("64000019800301999"), Reason.UNKNOWN_PERSON),
    ):
        with pytest.raises(Refused) as refused:
            rename(pool_log, register, number, name, "证", origin)
        assert refused.value.refusal.reason is reason
    assert register.versions([who], None) == {who: 3}
    assert list(RegisterProof(register).faults()) == []


def test_a_name_that_moved_meanwhile_is_renamed_after_it(register, pool_log, monkeypatch):
    """Between reading and recording somebody else renames: both names stay, in order."""
    asked = Register.versions

    def beside(self, *arguments):
        answer = asked(self, *arguments)
        monkeypatch.setattr(Register, "versions", asked)
        rename(pool_log, register, NUMBERS[0], "先到", "证1", TWO)
        return answer

    monkeypatch.setattr(Register, "versions", beside)
    rename(pool_log, register, NUMBERS[0], "后到", "证2", TWO)
    who = found(register).participant
    assert [register.open(who, version).name for version in (1, 2, 3)] == ["阿丽玛", "先到", "后到"]
    assert list(RegisterProof(register).faults()) == []


OTHERS = "(SELECT {0} FROM {{{1}}} o WHERE o.participant_id <> {{{1}}}.participant_id LIMIT 1)"
DAMAGE = [
    ("participant_name", "document = 'x'"),
    ("participant_name", "actor = 'x'"),
    ("participant_name", "reviewer = 'x'"),
    ("participant_name", "recorded_at = now()"),
    ("participant_name", "sealed_name = NULL"),
    ("participant_name", "sealed_name = " + OTHERS.format("sealed_name", "participant_name")),
    ("participant_name", "register_version = 2"),
    ("participant", "digest = sha256(digest)"),
    ("participant", "digest = NULL"),
    ("participant", "name_digest = sha256(name_digest)"),
    ("participant", "sealed_number = set_byte(sealed_number, 20, 255 - get_byte(sealed_number, 20))"),
    ("participant", "sealed_number = ''::bytea"),
    ("participant", "wrapped_key = NULL"),
    ("participant", "wrapped_key = " + OTHERS.format("wrapped_key", "participant")),
]


@pytest.mark.parametrize(("table", "change_to"), DAMAGE)
def test_a_changed_row_is_named(register, pool_log, table, change_to):
    who = found(register, 1).participant
    changed = change(pool_log, f"UPDATE {{{table}}} SET {change_to} WHERE participant_id = %s", who)
    assert changed.rowcount == 1
    faults = list(RegisterProof(register).faults())
    assert faults
    assert faults[0].table == table
    for fault in faults:
        assert fault.key.startswith(str(who))
        assert not any(name in fault.text for name in ("阿丽玛", "巴雅尔", "其其格"))


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("DELETE FROM {participant_name} WHERE participant_id = %s", ["participant_name"]),
        ("UPDATE {participant} SET register_version = 2 WHERE participant_id = %s", ["participant_name"]),
        ("DELETE FROM {participant} WHERE participant_id = %s", ["participant_name", "account_holder"]),
    ],
)
def test_a_lost_row_is_named(register, pool_log, statement, tables):
    assert change(pool_log, statement, found(register, 1).participant).rowcount == 1
    assert [fault.table for fault in RegisterProof(register).faults()] == tables


def test_a_changed_row_does_not_open(register, pool_log):
    who = found(register, 1).participant
    change(pool_log, "UPDATE {participant_name} SET recorded_at = recorded_at - interval '1 year'")
    with pytest.raises(InvalidTag):
        register.open(who)
    with pytest.raises(LookupError):
        register.open(new_participant())


def test_another_key_opens_nothing_and_finds_nobody(register, pool_log):
    other = Register(pool_log, Keys(bytes(32)))
    assert other.account_of(NUMBERS[0]) is None
    with pytest.raises(InvalidTag):
        other.open(found(register).participant)
    assert len(list(RegisterProof(other).faults())) == 3


# -- an erased person ----------------------------------------------------------------------------------------------


COMMAND = UUID("01a20605-42b4-7000-9504-57b982f9365f")


@pytest.fixture
def erased(register, pool_log):
    """The second of three people, renamed once and paid in by a command and a row E1, and then erased."""
    rename(pool_log, register, NUMBERS[1], "巴雅尔图", "公安变更证明3号", TWO)
    holder, tranche = found(register, 1), Tranche(pool_log)
    tranche.load(register.accounts_of(holder.participant))
    said = {"effect": Amounts(contribution=100), "effective_on": date(2024, 1, 2), "year": 2024, "serial": "E1"}
    paid = ContributionRecorded(actor="甲", rule="", command_id=str(COMMAND), **said)
    tranche.decide(holder.account, lambda _state, _past: (paid,))

    def beside(cursor, _moved, _at):
        write_commands(pool_log, cursor, [CommandRow(COMMAND.bytes, b"h" * 32, 1, 1, b"{}")])
        write_rows(pool_log, cursor, [(("E1", NEW), RecordedRow(b"c" * 16, holder.account, 3))])

    pool_log.record(tranche.writes(), beside)
    erase(register, pool_log, holder.participant)
    return holder.participant


def test_an_erased_person_is_nobody_s_find_and_prints_as_erased(register, erased):
    assert register.find([register.digest(NUMBERS[1])]) == {}
    assert register.account_of(NUMBERS[1]) is None
    assert register.numbers([erased]) == {}
    assert ERASED == "已删除"
    for version in (1, 2):
        assert register.open(erased, version) == Registered(erased, "", ERASED, version)
    assert register.open(erased).register_version == 2
    assert register.versions([erased], None) == {erased: 2}
    assert len(register.accounts_of(erased)) == 1
    assert list(RegisterProof(register).faults()) == []
    assert register.open(found(register).participant).name == "阿丽玛"


def test_the_columns_that_said_who_it_was_are_empty(register, pool_log, erased):
    row = change(
        pool_log,
        "SELECT digest, wrapped_key, sealed_number, name_digest, register_version FROM {participant}"
        " WHERE participant_id = %s",
        erased,
    ).fetchone()
    assert row == (None, None, None, None, 2)
    names = change(
        pool_log, "SELECT sealed_name, document, actor FROM {participant_name} WHERE participant_id = %s", erased
    )
    assert names.fetchall() == [(None, "登记文件", "甲"), (None, "公安变更证明3号", "甲")]


HALF_ERASED = [
    ("participant", "digest = sha256('x')"),
    ("participant", "wrapped_key = " + OTHERS.format("wrapped_key", "participant")),
    ("participant", "sealed_number = " + OTHERS.format("sealed_number", "participant")),
    ("participant", "name_digest = sha256('x')"),
    ("participant_name", "sealed_name = " + OTHERS.format("sealed_name", "participant_name")),
    ("participant_name", "register_version = register_version + 1"),
]


@pytest.mark.parametrize(("table", "change_to"), HALF_ERASED)
def test_what_is_left_of_an_erased_person_is_named(register, pool_log, erased, table, change_to):
    last = "" if table == "participant" else " AND register_version = 2"
    changed = change(pool_log, f"UPDATE {{{table}}} SET {change_to} WHERE participant_id = %s{last}", erased)
    assert changed.rowcount == 1
    (fault,) = RegisterProof(register).faults()
    assert fault.table == table
    assert fault.key.startswith(str(erased))
    if "sha256" not in change_to and "version =" not in change_to:  # digests open nothing
        with pytest.raises(InvalidTag):
            register.open(erased, 2)


@pytest.mark.parametrize(
    ("table", "column", "key"), [("external_identity", "content", "E1 1"), ("command", "input_hash", str(COMMAND))]
)
def test_a_digest_that_an_erasure_left_is_named(register, pool_log, erased, table, column, key):
    assert change(pool_log, f"SELECT length({column}) < 2 FROM {{{table}}}").fetchall() == [(True,)]
    assert change(pool_log, f"UPDATE {{{table}}} SET {column} = 'x'").rowcount == 1
    (fault,) = RegisterProof(register).faults()
    assert (fault.table, fault.key) == (table, key)


def test_an_erasure_that_the_log_does_not_know_of_is_a_fault(register, pool_log):
    """Whoever empties the rows of a person without a command is found out."""
    who = found(register, 1).participant
    with pool_log.connections.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        register.erase(cursor, who)
    (fault,) = RegisterProof(register).faults()
    assert (fault.table, fault.key) == ("participant", str(who))


def test_an_erasure_while_the_register_is_proved_is_no_fault(register, pool_log, monkeypatch):
    """The log was read before it, the register after."""
    monkeypatch.setattr(RegisterProof, "_erased_in_log", lambda _self: set())
    erase(register, pool_log, found(register, 1).participant)
    assert list(RegisterProof(register).faults()) == []


def test_an_erasure_in_the_log_alone_is_a_fault(register, pool_log, monkeypatch):
    """A dump from before, brought back into the register alone."""
    monkeypatch.setattr(Register, "erase", lambda *_: None)
    who = found(register, 1).participant
    erase(register, pool_log, who)
    assert [fault.table for fault in RegisterProof(register).faults()] == ["participant", "participant_name"]


def test_an_account_cannot_be_opened_for_somebody_erased_meanwhile(register, pool_log):
    """An import looks people up before it takes the log's lock; its tranche fails, and it looks again."""
    who = found(register, 1).participant
    erase(register, pool_log, who)
    position = pool_log.position()[0]
    with pytest.raises(IntegrityError):
        enrol(register, pool_log, NUMBERS[1], "", who)
    assert pool_log.position()[0] == position
    enrol(register, pool_log, NUMBERS[1], "巴雅尔")
    again = found(register, 1).participant
    assert again != who
    assert (register.open(again).name, register.open(who).name) == ("巴雅尔", ERASED)
    assert list(RegisterProof(register).faults()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("本人申请", False),
        ("阿丽 玛申请", True),
        ("号码" + NUMBERS[0], True),
        ("号码 " + " ".join(NUMBERS[0].lower()), True),
        ("旧号" + NUMBERS[0][:6] + NUMBERS[0][8:17], True),
        ("原名其木格", True),
        (NUMBERS[1] + "巴雅尔", False),
        ("", False),
    ],
)
def test_a_text_that_says_who_it_is_is_known(register, pool_log, text, told):
    who = found(register).participant
    rename(pool_log, register, NUMBERS[0], "其木格", "证", TWO)
    rename(pool_log, register, NUMBERS[0], "娜仁", "证", TWO)
    assert register.says(who, NUMBERS[0], text) is told
