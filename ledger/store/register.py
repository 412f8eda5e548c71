"""The register of participants beside the log: who holds which account, sealed; names with their history.

A participant is not an account: one person may hold accounts one after another. The citizen number is found by a keyed
digest and stored sealed under the person's own key; names likewise, each with document, handler and reviewer. What a
row says is bound into its seal, so a changed row does not open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.account_decisions import Payment
from ledger.identity import squeezed
from ledger.store.arrays import bytea_array, uuid_array
from ledger.store.copy_rows import microseconds
from ledger.store.keys import DataKey, InvalidTag, Keys
from ledger.store.log import PoolLog
from ledger.words import new_id

_PAGE: Final = 10_000


class Holder(NamedTuple):
    """A participant as intake finds one: their id (16 bytes), a keyed digest of the name, and the latest account."""

    owner: bytes
    name_digest: bytes
    account: bytes | None

    @property
    def participant(self) -> UUID:
        """The participant's id."""
        return UUID(bytes=self.owner)


class NewHolder(NamedTuple):
    """An account to be opened, with the person where the register does not hold them yet."""

    participant: UUID
    account: bytes
    division: str
    number: str = ""
    name: str = ""


class Registered(NamedTuple):
    """A participant opened for somebody who may see it."""

    participant: UUID
    number: str
    name: str
    register_version: int


class RegisterFault(NamedTuple):
    """A row of the register that does not hold together: table, key, and what is wrong (Chinese, no identity)."""

    table: str
    key: str
    text: str


class Register:
    """One pool's register under the installation's keys."""

    def __init__(self, log: PoolLog, keys: Keys) -> None:
        self._log = log
        self._keys = keys
        self._pool = log.pool.encode()

    def digest(self, number: str) -> bytes:
        """The look-up digest of a normalised citizen number in this pool."""
        return self._keys.digest(b"number", self._pool, number.encode())

    def name_digest(self, participant: UUID, name: str) -> bytes:
        """A digest by which names are compared without opening one. Spaces do not count."""
        return self._name_digest(participant.bytes, name)

    def is_named(self, holder: Holder, name: str) -> bool:
        """Whether this is the holder's name."""
        return holder.name_digest == self._name_digest(holder.owner, name)

    def _name_digest(self, owner: bytes, name: str) -> bytes:
        return self._keys.digest(b"name", owner.hex().encode(), squeezed(name).encode())

    def content_digest(self, *said: str) -> bytes:
        """A keyed digest (16 bytes) of what a row said."""
        return self._keys.digest(b"row", "\x1f".join(said).encode())[:16]

    def payment_content(self, number: str, payment: Payment) -> bytes:
        """A keyed digest of what makes a payment the same again: not the batch number, not how it was written."""
        return self.content_digest(
            number,
            str(payment.period),
            payment.kind,
            payment.payment_type,
            str(payment.fen),
            str(payment.paid_on),
            str(payment.treasury_on),
            payment.voucher,
        )

    def command_digest(self, said: bytes) -> bytes:
        """A keyed digest of what a command said, by which its repetition is told from another under the same id."""
        return self._keys.digest(b"command", said.replace(b"\0", b""))

    def find(self, digests: Collection[bytes]) -> dict[bytes, Holder]:
        """The participants with these digests, each with the latest of their accounts.

        Two plain look-ups by key: joined into one, a planner without statistics (a county's first day) reads the whole
        register for every participant, and an import of an hour takes a week.
        """
        people = self._log.sql(
            "SELECT digest, uuid_send(participant_id), name_digest FROM {participant} WHERE digest = ANY(%s)"
        )
        held = self._log.sql(
            "SELECT uuid_send(participant_id), uuid_send(account_id) FROM {account_holder}"
            " WHERE participant_id = ANY(%s)"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            found = cursor.execute(people, (bytea_array(digests),)).fetchall()
            latest: dict[bytes, bytes] = {}
            for owner, account in cursor.execute(held, (uuid_array([row[1] for row in found]),)):
                latest[owner] = max(account, latest.get(owner, account))
        return {digest: Holder(owner, name, latest.get(owner)) for digest, owner, name in found}

    def account_of(self, number: str) -> UUID | None:
        """The latest account of a normalised citizen number."""
        holder = self.find([self.digest(number)]).get(self.digest(number))
        return UUID(bytes=holder.account) if holder and holder.account else None

    def accounts_of(self, participant: UUID) -> list[UUID]:
        """All accounts of a participant, the earliest first."""
        statement = self._log.sql("SELECT account_id FROM {account_holder} WHERE participant_id = %s ORDER BY 1")
        with self._log.connections.connection() as connection:
            return [row[0] for row in connection.execute(statement, (participant,)).fetchall()]

    def numbers(self, participants: Collection[UUID]) -> dict[UUID, str]:
        """The citizen numbers of participants, opened to be compared with a report; erased ones are absent."""
        statement = self._log.sql(
            "SELECT participant_id, wrapped_key, sealed_number FROM {participant}"
            " WHERE participant_id = ANY(%s) AND wrapped_key IS NOT NULL"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            ids = uuid_array([one.bytes for one in participants])
            rows = cursor.execute(statement, (ids,), prepare=True).fetchall()
        return {
            participant: self._keys.unwrapped(wrapped, participant.bytes).opened(sealed, participant.bytes + b"number")
            for participant, wrapped, sealed in rows
        }

    def on(self, log: PoolLog) -> Register:
        """The same register read through another hold on the pool's log."""
        return Register(log, self._keys)

    # -- writing, inside the transaction of the events ------------------------------------------------------------

    def write(
        self, cursor: Cursor[TupleRow], holders: list[NewHolder], actor: str, document: str, at: datetime
    ) -> None:
        """Rows of opened accounts, and of the people who are new."""
        people = [holder for holder in holders if holder.number]
        with cursor.copy(self._log.sql("COPY {participant} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "bytea", "bytea", "bytea", "bytea", "int4"])
            sealed_names = []
            for person in people:
                owner = person.participant.bytes
                key = DataKey()
                copy.write_row(
                    (
                        person.participant,
                        self.digest(person.number),
                        self._keys.wrapped(key.key, owner),
                        key.sealed(person.number, owner + b"number"),
                        self.name_digest(person.participant, person.name),
                        1,
                    )
                )
                sealed_names.append(key.sealed(person.name, _name_bond(owner, 1, document, actor, "", at)))
        with cursor.copy(self._log.sql("COPY {participant_name} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "int4", "bytea", "text", "text", "text", "timestamptz"])
            for person, sealed_name in zip(people, sealed_names, strict=True):
                copy.write_row((person.participant, 1, sealed_name, document, actor, "", at))
        with cursor.copy(self._log.sql("COPY {account_holder} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "uuid", "text"])
            for holder in holders:
                copy.write_row((UUID(bytes=holder.account), holder.participant, holder.division))

    def rename(
        self,
        cursor: Cursor[TupleRow],
        participant: UUID,
        name: str,
        version: int,
        document: str,
        actor: str,
        reviewer: str,
        at: datetime,
    ) -> None:
        """Version `version` of a participant's name; earlier ones stay."""
        row = cursor.execute(
            self._log.sql("SELECT wrapped_key FROM {participant} WHERE participant_id = %s FOR UPDATE"), (participant,)
        ).fetchone()
        if row is None:
            raise LookupError(f"no participant {participant}")
        key = self._keys.unwrapped(row[0], participant.bytes)
        sealed = key.sealed(name, _name_bond(participant.bytes, version, document, actor, reviewer, at))
        cursor.execute(
            self._log.sql("INSERT INTO {participant_name} VALUES (%s, %s, %s, %s, %s, %s, %s)"),
            (participant, version, sealed, document, actor, reviewer, at),
        )
        cursor.execute(
            self._log.sql("UPDATE {participant} SET name_digest = %s, register_version = %s WHERE participant_id = %s"),
            (self.name_digest(participant, name), version, participant),
        )

    def erase(self, cursor: Cursor[TupleRow], participant: UUID) -> None:
        """Destroy a participant's key, digests and sealed texts, and the digests of rows and commands about them."""
        accounts = "(SELECT account_id FROM {account_holder} WHERE participant_id = %s)"
        said = "nullif(convert_from(state, 'UTF8')::jsonb ->> 'command_id', '')::uuid"
        identity = "digest = NULL, wrapped_key = NULL, sealed_number = NULL, name_digest = NULL"
        commands = f"(SELECT {said} FROM {{ledger_events}} WHERE originator_id IN {accounts})"
        for statement in (
            f"UPDATE {{participant}} SET {identity} WHERE participant_id = %s",
            "UPDATE {participant_name} SET sealed_name = NULL WHERE participant_id = %s",
            f"UPDATE {{external_identity}} SET content = '' WHERE account_id IN {accounts}",
            f"UPDATE {{command}} SET input_hash = '' WHERE command_id IN {commands}",
        ):
            cursor.execute(self._log.sql(statement), (participant,))

    # -- reading --------------------------------------------------------------------------------------------------

    def open(self, participant: UUID, version: int | None = None) -> Registered:
        """Number and name, the name of a register version or the latest. Raises LookupError and `InvalidTag`."""
        statement = self._log.sql(
            "SELECT p.wrapped_key, p.sealed_number, n.sealed_name, n.register_version, n.document, n.actor, n.reviewer,"
            " n.recorded_at FROM {participant} p JOIN {participant_name} n USING (participant_id)"
            " WHERE participant_id = %s AND (%s::int IS NULL OR n.register_version = %s)"
            " ORDER BY n.register_version DESC LIMIT 1"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(statement, (participant, version, version)).fetchone()
        if row is None:
            raise LookupError(f"no participant {participant}")
        wrapped, number, name, found, *said = row
        owner = participant.bytes
        key = self._keys.unwrapped(wrapped, owner)
        bond = _name_bond(owner, found, *said)
        return Registered(participant, key.opened(number, owner + b"number"), key.opened(name, bond), found)

    def versions(self, participants: Iterable[UUID], known_at: datetime | None) -> dict[UUID, int]:
        """The register version of each participant as known at an instant."""
        statement = self._log.sql(
            "SELECT participant_id, max(register_version) FROM {participant_name} WHERE participant_id = ANY(%s)"
            " AND (%s::timestamptz IS NULL OR recorded_at <= %s) GROUP BY 1"
        )
        with self._log.connections.connection() as connection:
            return dict(connection.execute(statement, (list(participants), known_at, known_at)).fetchall())

    # -- proof ----------------------------------------------------------------------------------------------------

    def faults(self) -> Iterator[RegisterFault]:
        """Every row of the register that does not open, or does not agree with its neighbours, table by table."""
        last = UUID(int=0)
        while page := self._page_of_people(last):
            last = page[-1][0]
            names: dict[UUID, list[tuple[Any, ...]]] = {}
            for row in self._names_of([row[0] for row in page]):
                names.setdefault(row[0], []).append(row)
            for row in page:
                yield from self._faults_of(row, names.get(row[0], []))
        for table, key in (("participant_name", "participant_id"), ("account_holder", "account_id")):
            for (lone,) in self._without_person(table, key):
                yield RegisterFault(table, str(lone), "所指的参保人不在登记中")

    def _without_person(self, table: str, key: str) -> list[tuple[Any, ...]]:
        statement = self._log.sql(
            f"SELECT DISTINCT {key} FROM {{{table}}} t WHERE NOT EXISTS"
            " (SELECT FROM {participant} p WHERE p.participant_id = t.participant_id) ORDER BY 1"
        )
        with self._log.connections.connection() as connection:
            return connection.execute(statement).fetchall()

    def _page_of_people(self, after: UUID) -> list[tuple[Any, ...]]:
        statement = self._log.sql(
            "SELECT participant_id, digest, wrapped_key, sealed_number, name_digest, register_version"
            " FROM {participant} WHERE participant_id > %s ORDER BY participant_id LIMIT %s"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            return cursor.execute(statement, (after, _PAGE)).fetchall()

    def _names_of(self, participants: list[UUID]) -> list[tuple[Any, ...]]:
        statement = self._log.sql(
            "SELECT participant_id, register_version, sealed_name, document, actor, reviewer, recorded_at"
            " FROM {participant_name} WHERE participant_id = ANY(%s) ORDER BY participant_id, register_version"
        )
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            return cursor.execute(statement, (participants,)).fetchall()

    def _faults_of(self, row: tuple[Any, ...], names: list[tuple[Any, ...]]) -> Iterator[RegisterFault]:
        participant, digest, wrapped, sealed_number, name_digest, version = row
        owner = participant.bytes
        try:
            key = self._keys.unwrapped(wrapped, owner)
            number = key.opened(sealed_number, owner + b"number")
        except (InvalidTag, TypeError, ValueError):
            yield RegisterFault("participant", str(participant), "密封的身份信息无法打开，已被改动")
            return
        if digest != self.digest(number):
            yield RegisterFault("participant", str(participant), "查询摘要与密封的号码不符")
        if [name[1] for name in names] != list(range(1, version + 1)):
            yield RegisterFault("participant_name", str(participant), f"姓名历史缺少版本，应为1至{version}")
        for _, name_version, sealed, *said in names:
            try:
                name = key.opened(sealed, _name_bond(owner, name_version, *said))
            except (InvalidTag, TypeError, ValueError):
                yield RegisterFault("participant_name", f"{participant} 第{name_version}版", "姓名记录已被改动")
                continue
            if name_version == version and name_digest != self.name_digest(participant, name):
                yield RegisterFault("participant", str(participant), "姓名摘要与现行姓名不符")


def new_participant() -> UUID:
    """An id for a person new to the register."""
    return new_id()


def _name_bond(owner: bytes, version: int, document: str, actor: str, reviewer: str, at: datetime) -> bytes:
    said = (str(version), document, actor, reviewer, str(microseconds(at)))
    return b"\0".join([owner, b"name", *(text.encode() for text in said)])
