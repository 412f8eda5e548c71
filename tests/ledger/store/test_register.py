"""The register: who is found, which name was known when, and what a changed row says."""

from datetime import UTC, date, datetime

import pytest
from cryptography.exceptions import InvalidTag

from ledger.account_decisions import open_account
from ledger.jobs.corrections import rename
from ledger.jobs.rule_entry import open_rules
from ledger.late_money import Origin
from ledger.refusals import Reason, Refused
from ledger.store.batch import Tranche
from ledger.store.keys import Keys
from ledger.store.register import NewHolder, Register, new_participant
from ledger.words import new_id
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
    assert list(register.faults()) == []


def test_the_latest_of_somebody_s_accounts_is_found(register, pool_log):
    holder = found(register)
    second = enrol(register, pool_log, NUMBERS[0], "", holder.participant)
    assert found(register).account == second != holder.account
    assert list(register.faults()) == []


def test_two_pools_have_nothing_in_common_to_compare(register, server, connections):
    other = Register(type(register._log)(connections, register._log.pool + "x"), KEYS)
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
    assert list(register.faults()) == []


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
    assert list(register.faults()) == []


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
    faults = list(register.faults())
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
    assert [fault.table for fault in register.faults()] == tables


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
    assert len(list(other.faults())) == 3
