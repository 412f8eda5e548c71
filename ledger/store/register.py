"""The register of participants beside the log: who holds which account, sealed; names with their history.

A participant is not an account: one person may hold accounts one after another. The citizen number is found by a keyed
digest and stored sealed under the person's own key; names likewise, each with document, handler and reviewer. What a
row says is bound into its seal, so a changed row does not open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import Cursor, IntegrityError
from psycopg.rows import TupleRow

from ledger.account_decisions import Payment
from ledger.identity import squeezed
from ledger.store.arrays import bytea_array, uuid_array
from ledger.store.copy_rows import microseconds
from ledger.store.keys import DataKey, InvalidTag, Keys
from ledger.store.log import PoolLog
from ledger.words import new_id

ERASED: Final = "已删除"
"""What stands where the name of an erased person would stand; the number is empty."""
_HELD_IDENTITY: Final = {
    "participant": "ON",
    "participant_name": "AUTO",
    "external_identity": "AUTO",
    "command": "AUTO",
    "person_donor": "ON",
    "person_donor_name": "AUTO",
    "payment_failure": "ON",
    "exchange_record": "ON",
}
"""The tables from which an erasure takes something, and whether an index of theirs held it."""
NO_CONTENT: Final = "'\\x00'::bytea"
"""What a row of an erased person said: no digest is that short, and a row of nobody, which has none, is another."""


class Holder(NamedTuple):
    """A participant as intake finds one: their id (16 bytes), a keyed digest of the name, the latest account, and
    their wrapped key.
    """

    owner: bytes
    name_digest: bytes
    account: bytes | None
    wrapped: bytes

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


class Register:
    """One pool's register under the installation's keys."""

    def __init__(self, log: PoolLog, keys: Keys) -> None:
        self.log = log
        self.keys = keys
        self._pool = log.pool.encode()

    def digest(self, number: str) -> bytes:
        """The look-up digest of a normalised citizen number in this pool."""
        return self.keys.digest(b"number", self._pool, number.encode())

    def name_digest(self, participant: UUID, name: str) -> bytes:
        """A digest by which names are compared without opening one. Spaces do not count."""
        return self._name_digest(participant.bytes, name)

    def is_named(self, holder: Holder, name: str) -> bool:
        """Whether this is the holder's name."""
        return holder.name_digest == self._name_digest(holder.owner, name)

    def _name_digest(self, owner: bytes, name: str) -> bytes:
        return self.keys.digest(b"name", owner.hex().encode(), squeezed(name).encode())

    def content_digest(self, *said: str) -> bytes:
        """A keyed digest (16 bytes) of what a row said."""
        return self.keys.digest(b"row", "\x1f".join(said).encode())[:16]

    def payment_content(self, owner: bytes, payment: Payment) -> bytes:
        """A keyed digest of what makes a person's payment the same again: not the batch, not how it was written."""
        return self.content_digest(
            owner.hex(),
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
        return self.keys.digest(b"command", said.replace(b"\0", b""))

    def find(self, digests: Collection[bytes]) -> dict[bytes, Holder]:
        """The participants with these digests, each with the latest of their accounts.

        Two plain look-ups by key: joined into one, a planner without statistics (a county's first day) reads the whole
        register for every participant, and an import of an hour takes a week.
        """
        people = self.log.sql(
            "SELECT digest, uuid_send(participant_id), name_digest, wrapped_key FROM {participant}"
            " WHERE digest = ANY(%s)"
        )
        held = self.log.sql(
            "SELECT uuid_send(participant_id), uuid_send(account_id) FROM {account_holder}"
            " WHERE participant_id = ANY(%s)"
        )
        with self.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            found = cursor.execute(people, (bytea_array(digests),)).fetchall()
            latest: dict[bytes, bytes] = {}
            for owner, account in cursor.execute(held, (uuid_array([row[1] for row in found]),)):
                latest[owner] = max(account, latest.get(owner, account))
        return {digest: Holder(owner, name, latest.get(owner), key) for digest, owner, name, key in found}

    def account_of(self, number: str) -> UUID | None:
        """The latest account of a normalised citizen number."""
        holder = self.find([self.digest(number)]).get(self.digest(number))
        return UUID(bytes=holder.account) if holder and holder.account else None

    def accounts_of(self, participant: UUID) -> list[UUID]:
        """All accounts of a participant, the earliest first."""
        statement = self.log.sql("SELECT account_id FROM {account_holder} WHERE participant_id = %s ORDER BY 1")
        with self.log.connections.connection() as connection:
            return [row[0] for row in connection.execute(statement, (participant,)).fetchall()]

    def numbers(self, participants: Collection[UUID]) -> dict[UUID, str]:
        """The citizen numbers of participants, opened to be compared with a report; erased ones are absent."""
        statement = self.log.sql(
            "SELECT participant_id, wrapped_key, sealed_number FROM {participant}"
            " WHERE participant_id = ANY(%s) AND wrapped_key IS NOT NULL"
        )
        with self.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            ids = uuid_array([one.bytes for one in participants])
            rows = cursor.execute(statement, (ids,), prepare=True).fetchall()
        return {
            participant: self.keys.unwrapped(wrapped, participant.bytes).opened(sealed, participant.bytes + b"number")
            for participant, wrapped, sealed in rows
        }

    def on(self, log: PoolLog) -> Register:
        """The same register read through another hold on the pool's log."""
        return Register(log, self.keys)

    # -- writing, inside the transaction of the events ------------------------------------------------------------

    def write(
        self, cursor: Cursor[TupleRow], holders: list[NewHolder], actor: str, document: str, at: datetime
    ) -> None:
        """Rows of opened accounts, and of the people who are new.

        Raises `IntegrityError` where somebody was erased after they were found: they are to be looked up again.
        """
        people = [holder for holder in holders if holder.number]
        self._require_not_erased(cursor, [holder.participant for holder in holders if not holder.number])
        with cursor.copy(self.log.sql("COPY {participant} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "bytea", "bytea", "bytea", "bytea", "int4"])
            sealed_names = []
            for person in people:
                owner = person.participant.bytes
                key = DataKey()
                copy.write_row(
                    (
                        person.participant,
                        self.digest(person.number),
                        self.keys.wrapped(key.key, owner),
                        key.sealed(person.number, owner + b"number"),
                        self.name_digest(person.participant, person.name),
                        1,
                    )
                )
                sealed_names.append(key.sealed(person.name, name_bond(owner, 1, document, actor, "", at)))
        with cursor.copy(self.log.sql("COPY {participant_name} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "int4", "bytea", "text", "text", "text", "timestamptz"])
            for person, sealed_name in zip(people, sealed_names, strict=True):
                copy.write_row((person.participant, 1, sealed_name, document, actor, "", at))
        with cursor.copy(self.log.sql("COPY {account_holder} FROM STDIN (FORMAT BINARY)")) as copy:
            copy.set_types(["uuid", "uuid", "text"])
            for holder in holders:
                copy.write_row((UUID(bytes=holder.account), holder.participant, holder.division))

    def _require_not_erased(self, cursor: Cursor[TupleRow], known: list[UUID]) -> None:
        """An import finds people before it takes the log's lock; money there would be nobody's."""
        if not known:
            return
        statement = self.log.sql("SELECT FROM {participant} WHERE participant_id = ANY(%s) AND wrapped_key IS NULL")
        if cursor.execute(statement, (known,)).fetchone() is not None:
            raise IntegrityError("a participant was erased meanwhile")

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
            self.log.sql("SELECT wrapped_key FROM {participant} WHERE participant_id = %s FOR UPDATE"), (participant,)
        ).fetchone()
        if row is None:
            raise LookupError(f"no participant {participant}")
        key = self.keys.unwrapped(row[0], participant.bytes)
        sealed = key.sealed(name, name_bond(participant.bytes, version, document, actor, reviewer, at))
        cursor.execute(
            self.log.sql("INSERT INTO {participant_name} VALUES (%s, %s, %s, %s, %s, %s, %s)"),
            (participant, version, sealed, document, actor, reviewer, at),
        )
        cursor.execute(
            self.log.sql("UPDATE {participant} SET name_digest = %s, register_version = %s WHERE participant_id = %s"),
            (self.name_digest(participant, name), version, participant),
        )

    def erase(self, cursor: Cursor[TupleRow], participant: UUID) -> None:
        """Destroy a participant's key, digests and sealed texts, and the digests of rows and commands about them.

        A failed payment that came before they were registered stands by their id from now on.
        What received rows of nobody known say of the person is not the register's: see `empty_rows`.

        Rows are found by the serials and command ids in the accounts' events, which have keys; `external_identity` has
        none by account, and reading a pool's millions of rows would hold up every writer for seconds.
        """
        events = (
            "SELECT convert_from(e.state, 'UTF8')::jsonb AS said FROM {account_holder} h"
            " JOIN {ledger_events} e ON e.originator_id = h.account_id WHERE h.participant_id = %(who)s"
        )
        accounts = "SELECT account_id FROM {account_holder} WHERE participant_id = %(who)s"
        identity = "digest = NULL, wrapped_key = NULL, sealed_number = NULL, name_digest = NULL"
        serials = f"ARRAY(SELECT said ->> 'serial' FROM ({events}) e)"
        commands = f"ARRAY(SELECT nullif(said ->> 'command_id', '')::uuid FROM ({events}) e)"
        of_rows = f"account_id IN ({accounts}) AND serial = ANY ({serials})"
        digest = "(SELECT digest FROM {participant} WHERE participant_id = %(who)s)"
        for statement in (
            f"UPDATE {{payment_failure}} SET participant_id = %(who)s, digest = NULL WHERE digest = {digest}",
            f"UPDATE {{participant}} SET {identity} WHERE participant_id = %(who)s",
            "UPDATE {participant_name} SET sealed_name = NULL WHERE participant_id = %(who)s",
            f"UPDATE {{external_identity}} SET content = {NO_CONTENT} WHERE {of_rows}",
            f"UPDATE {{command}} SET input_hash = '' WHERE command_id = ANY ({commands})",
        ):
            cursor.execute(self.log.sql(statement), {"who": participant})

    def sweep(self) -> None:
        """After an erasure has committed: have PostgreSQL drop the row versions that still say what was erased.

        Outside any transaction. Index entries too where the erased value was a key; and the planner's statistics, whose
        samples hold whole values (a wrapped key beside the number it opens), are taken anew. See docs/decisions.
        """
        with self.log.connections.connection() as connection:
            for table, index in _HELD_IDENTITY.items():
                vacuum = f"VACUUM (ANALYZE, INDEX_CLEANUP {index}, TRUNCATE OFF) {{{table}}}"
                connection.execute(self.log.sql(vacuum), prepare=False)
            connection.execute("VACUUM (TRUNCATE OFF) pg_catalog.pg_statistic", prepare=False)

    def says(self, participant: UUID, number: str, text: str) -> bool:
        """Whether a text that will stay for ever holds the person's number, or any name they ever had."""
        plain = squeezed(text).upper()
        words = {number, number[:6] + number[8:17], *map(squeezed, self.names(participant))}
        return any(word and word.upper() in plain for word in words)

    def names(self, participant: UUID) -> Iterator[str]:
        """Every name somebody ever had, as far as it opens: a damaged row must not keep a person from being erased."""
        latest = self.versions([participant], None).get(participant, 0)
        for version in range(1, latest + 1):
            with suppress(InvalidTag, LookupError):
                yield self.open(participant, version).name

    # -- reading --------------------------------------------------------------------------------------------------

    def open(self, participant: UUID, version: int | None = None) -> Registered:
        """Number and name, the name of a register version or the latest; of an erased person "" and `ERASED`.

        Raises LookupError and `InvalidTag`.
        """
        statement = self.log.sql(
            "SELECT p.wrapped_key, p.sealed_number, n.sealed_name, n.register_version, n.document, n.actor, n.reviewer,"
            " n.recorded_at FROM {participant} p JOIN {participant_name} n USING (participant_id)"
            " WHERE participant_id = %s AND (%s::int IS NULL OR n.register_version = %s)"
            " ORDER BY n.register_version DESC LIMIT 1"
        )
        with self.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(statement, (participant, version, version)).fetchone()
        if row is None:
            raise LookupError(f"no participant {participant}")
        wrapped, number, name, found, *said = row
        if (wrapped, number, name) == (None, None, None):
            return Registered(participant, "", ERASED, found)
        if None in (wrapped, number, name):
            raise InvalidTag
        owner = participant.bytes
        key = self.keys.unwrapped(wrapped, owner)
        bond = name_bond(owner, found, *said)
        return Registered(participant, key.opened(number, owner + b"number"), key.opened(name, bond), found)

    def versions(self, participants: Iterable[UUID], known_at: datetime | None) -> dict[UUID, int]:
        """The register version of each participant as known at an instant."""
        statement = self.log.sql(
            "SELECT participant_id, max(register_version) FROM {participant_name} WHERE participant_id = ANY(%s)"
            " AND (%s::timestamptz IS NULL OR recorded_at <= %s) GROUP BY 1"
        )
        with self.log.connections.connection() as connection:
            return dict(connection.execute(statement, (list(participants), known_at, known_at)).fetchall())


def new_participant() -> UUID:
    """An id for a person new to the register."""
    return new_id()


def name_bond(owner: bytes, version: int, document: str, actor: str, reviewer: str, at: datetime) -> bytes:
    """What a sealed name is bound to: whose it is, its version, and all that its row says beside it."""
    said = (str(version), document, actor, reviewer, str(microseconds(at)))
    return b"\0".join([owner, b"name", *(text.encode() for text in said)])
