"""Whether the register of participants holds together, row by row, and whether an erased person is gone from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from ledger.account_events import HolderErased
from ledger.store.donor_proof import donor_faults
from ledger.store.keys import InvalidTag
from ledger.store.register import NO_CONTENT, Register, name_bond

_PAGE: Final = 10_000
_IDS: Final = 1_000_000
"""Events looked through by one statement."""


class RegisterFault(NamedTuple):
    """A row of the register that does not hold together: table, key, and what is wrong (Chinese, no identity)."""

    table: str
    key: str
    text: str


class RegisterProof:
    """The proof of one register."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._log = register.log

    def faults(self) -> Iterator[RegisterFault]:
        """Every row of the register that does not open, or does not agree with its neighbours, table by table.

        A person whom the log calls erased must be so to the last row, and nobody else may be.
        """
        erased = self._erased_in_log()
        last = UUID(int=0)
        while page := self._page_after(last):
            last = page[-1][0][0]
            for row, names in page:
                gone = row[0] in erased or (row[2] is None and self._was_erased(row[0]))
                way = self._faults_of_erased if gone else self._faults_of
                yield from way(row, names)
        for table, key in (("participant_name", "participant_id"), ("account_holder", "account_id")):
            for (lone,) in self._without_person(table, key):
                yield RegisterFault(table, str(lone), "所指的参保人不在登记中")
        yield from self._rows_left(list(erased))
        yield from (RegisterFault(*fault) for fault in donor_faults(self._register))

    def _erased_in_log(self) -> set[UUID]:
        """The people whose accounts say that their identity was destroyed, read a range of the log at a time."""
        statement = self._log.sql(
            "SELECT DISTINCT h.participant_id FROM {ledger_events} e JOIN {account_holder} h"
            " ON h.account_id = e.originator_id WHERE e.notification_id > %s AND e.notification_id <= %s"
            " AND e.topic = %s"
        )
        found: set[UUID] = set()
        for above in range(0, self._log.position()[0], _IDS):
            with self._log.connections.connection() as connection:
                rows = connection.execute(statement, (above, above + _IDS, HolderErased.topic)).fetchall()
            found.update(row[0] for row in rows)
        return found

    def _rows_left(self, erased: list[UUID]) -> Iterator[RegisterFault]:
        """Digests of rows and commands about erased people that are still there."""
        if not erased:
            return
        accounts = "SELECT account_id FROM {account_holder} WHERE participant_id = ANY(%s)"
        said = "nullif(convert_from(e.state, 'UTF8')::jsonb ->> 'command_id', '')::uuid"
        of_rows = (
            "SELECT serial || ' ' || data_type FROM {external_identity}"
            f" WHERE content <> {NO_CONTENT} AND account_id IN ({accounts}) ORDER BY 1"
        )
        of_commands = (
            f"SELECT DISTINCT c.command_id::text FROM {{ledger_events}} e JOIN {{command}} c ON c.command_id = {said}"
            f" WHERE c.input_hash <> '' AND e.topic <> '{HolderErased.topic}' AND e.originator_id IN ({accounts})"
            " ORDER BY 1"
        )
        for table, statement in (("external_identity", of_rows), ("command", of_commands)):
            with self._log.connections.connection() as connection:
                rows = connection.execute(self._log.sql(statement), (erased,)).fetchall()
            for (key,) in rows:
                yield RegisterFault(table, key, "所涉参保人的身份信息已删除，但其内容摘要仍在")

    def _without_person(self, table: str, key: str) -> list[tuple[Any, ...]]:
        statement = self._log.sql(
            f"SELECT DISTINCT {key} FROM {{{table}}} t WHERE NOT EXISTS"
            " (SELECT FROM {participant} p WHERE p.participant_id = t.participant_id) ORDER BY 1"
        )
        with self._log.connections.connection() as connection:
            return connection.execute(statement).fetchall()

    def _was_erased(self, participant: UUID) -> bool:
        """Whether an account of somebody says so by now: they may have been erased while the register was read."""
        statement = self._log.sql(
            "SELECT FROM {account_holder} h JOIN {ledger_events} e ON e.originator_id = h.account_id"
            " WHERE h.participant_id = %s AND e.topic = %s LIMIT 1"
        )
        with self._log.connections.connection() as connection:
            return connection.execute(statement, (participant, HolderErased.topic)).fetchone() is not None

    def _page_after(self, after: UUID) -> list[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
        """Some people with their names, of one snapshot: a rename in between would look like a fault."""
        people = self._log.sql(
            "SELECT participant_id, digest, wrapped_key, sealed_number, name_digest, register_version"
            " FROM {participant} WHERE participant_id > %s ORDER BY participant_id LIMIT %s"
        )
        names = self._log.sql(
            "SELECT participant_id, register_version, sealed_name, document, actor, reviewer, recorded_at"
            " FROM {participant_name} WHERE participant_id = ANY(%s) ORDER BY participant_id, register_version"
        )
        with (
            self._log.connections.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            rows = cursor.execute(people, (after, _PAGE)).fetchall()
            by_person: dict[UUID, list[tuple[Any, ...]]] = {row[0]: [] for row in rows}
            for name in cursor.execute(names, (list(by_person),)):
                by_person[name[0]].append(name)
        return [(row, by_person[row[0]]) for row in rows]

    def _faults_of(self, row: tuple[Any, ...], names: list[tuple[Any, ...]]) -> Iterator[RegisterFault]:
        participant, digest, wrapped, sealed_number, name_digest, version = row
        owner = participant.bytes
        if wrapped is None:
            yield RegisterFault("participant", str(participant), "密钥已不存在，而日志中没有删除身份信息的记录")
            return
        try:
            key = self._register.keys.unwrapped(wrapped, owner)
            number = key.opened(sealed_number, owner + b"number")
        except (InvalidTag, TypeError, ValueError):
            yield RegisterFault("participant", str(participant), "密封的身份信息无法打开，已被改动")
            return
        if digest != self._register.digest(number):
            yield RegisterFault("participant", str(participant), "查询摘要与密封的号码不符")
        yield from self._versions_missing(participant, version, names)
        for _, name_version, sealed, *said in names:
            try:
                name = key.opened(sealed, name_bond(owner, name_version, *said))
            except (InvalidTag, TypeError, ValueError):
                yield RegisterFault("participant_name", f"{participant} 第{name_version}版", "姓名记录已被改动")
                continue
            if name_version == version and name_digest != self._register.name_digest(participant, name):
                yield RegisterFault("participant", str(participant), "姓名摘要与现行姓名不符")

    def _faults_of_erased(self, row: tuple[Any, ...], names: list[tuple[Any, ...]]) -> Iterator[RegisterFault]:
        """What is left of somebody whom the log calls erased; who acted when stays, and without a gap."""
        participant, *identity, version = row
        if identity != [None] * len(identity):
            yield RegisterFault("participant", str(participant), "身份信息应已删除，但仍有残留")
        yield from self._versions_missing(participant, version, names)
        for name in names:
            if name[2] is not None:
                yield RegisterFault("participant_name", f"{participant} 第{name[1]}版", "姓名应已删除，但仍有残留")

    def _versions_missing(
        self, participant: UUID, version: int, names: list[tuple[Any, ...]]
    ) -> Iterator[RegisterFault]:
        if [name[1] for name in names] != list(range(1, version + 1)):
            yield RegisterFault("participant_name", str(participant), f"姓名历史缺少版本，应为1至{version}")
