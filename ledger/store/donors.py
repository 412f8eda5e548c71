"""People who give social aid (S0 附件2 一): who stands behind a donor code, sealed under a key of their own.

Wherever a payer is named (events, plans, rosters, results) a person is named by this code alone. It is drawn by lot and
not derived from the number: a code that the number leads to would stand in the log for ever and could be tried with
anybody's number, so nobody could be erased. The number leads to it through a keyed digest of its own domain, which is
not the register's: a donor need not be a participant, and the two tables do not join. See docs/decisions/0015.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.identity import squeezed
from ledger.late_money import Origin
from ledger.store.keys import DataKey, InvalidTag
from ledger.store.payers import PERSON, Payer, Payers
from ledger.store.register import ERASED, Register, name_bond

_PREFIX: Final = "PERSON-"
_LOT: Final = 10
"""Bytes drawn for a code: 16 letters and digits, too few digits in a row to be read as somebody's number."""


class SealedName(NamedTuple):
    """A name as one version of the payer said it, with all that its seal is bound to."""

    version: int
    sealed: bytes | None
    said: tuple[str, str, str, datetime]
    """Document, handler, reviewer, instant: of the payer's row of the same version."""


class SealedDonor(NamedTuple):
    """A donor as stored; of an erased one all is empty but the code."""

    code: str
    digest: bytes | None
    wrapped: bytes | None
    number: bytes | None
    names: tuple[SealedName, ...]


class Donors:
    """The people among one pool's payers."""

    def __init__(self, register: Register) -> None:
        self._register, self._log, self._keys = register, register.log, register.keys

    def digest(self, number: str) -> bytes:
        """The look-up digest of a normalised citizen number among this pool's donors."""
        return self._keys.digest(b"donor", self._log.pool.encode(), number.encode())

    # -- reading ---------------------------------------------------------------------------------------------------

    def codes(self, numbers: Collection[str]) -> dict[str, str]:
        """The codes of those of these normalised citizen numbers that are donors'."""
        by_digest = {self.digest(number): number for number in numbers}
        if not by_digest:
            return {}
        statement = self._log.sql("SELECT digest, code FROM {person_donor} WHERE digest = ANY(%s)")
        with self._log.connections.connection() as connection:
            found = connection.execute(statement, (list(by_digest),)).fetchall()
        return {by_digest[bytes(digest)]: code for digest, code in found}

    def payers_of(self, numbers: Collection[str]) -> dict[str, str]:
        """Who pays where a citizen number is given as the payer: the donor's code, absent where it is nobody's.

        A few numbers satisfy the check of a credit code, too; such a one is an organisation's where it is registered.
        """
        found = self.codes(numbers)
        payers = Payers(self._log)
        return found | {one: one for one in numbers if one not in found and payers.find(one) is not None}

    def named(self, payers: Sequence[Payer]) -> list[Payer]:
        """Payers with the names of the people among them opened; of an erased one `ERASED`. Raises `InvalidTag`."""
        people = {one.code: one for one in self.stored([one.code for one in payers if one.kind == PERSON])}
        return [self._named(one, people[one.code]) if one.kind == PERSON else one for one in payers]

    def _named(self, payer: Payer, donor: SealedDonor) -> Payer:
        if donor.wrapped is None:
            return payer._replace(name=ERASED)
        return payer._replace(name=self.name(donor, self.key(donor), donor.names[-1]))

    def is_erased(self, code: str) -> bool:
        """Whether a code stands for somebody whose identity was destroyed."""
        return any(one.wrapped is None for one in self.stored([code]))

    def says(self, code: str, text: str) -> bool:
        """Whether a text that will stay for ever holds the donor's number, or any name they were registered under.

        Of whom nothing opens, it says nothing: a damaged row must not keep a person from being erased.
        """
        plain = squeezed(text).upper()
        return any(word and word.upper() in plain for word in self.words(code))

    def words(self, code: str) -> Iterator[str]:
        """The donor's number in both spellings, and every name, as far as they open."""
        for one in self.stored([code]):
            yield from self._words(one)

    def _words(self, donor: SealedDonor) -> Iterator[str]:
        if donor.wrapped is None:
            return
        with suppress(InvalidTag):
            key = self.key(donor)
            with suppress(InvalidTag):
                number = self.number(donor, key)
                yield from (number, number[:6] + number[8:17])
            for name in donor.names:
                with suppress(InvalidTag):
                    yield self.name(donor, key, name)

    def stored(self, codes: Sequence[str] | None = None) -> list[SealedDonor]:
        """Donors as they are stored, by code, each with its names from the first; those of these codes, or all."""
        if codes is not None and not codes:
            return []
        people = self._log.sql(
            "SELECT code, digest, wrapped_key, sealed_number FROM {person_donor}"
            " WHERE %s::text[] IS NULL OR code = ANY(%s) ORDER BY code"
        )
        names = self._log.sql(
            "SELECT n.code, version, n.sealed_name, p.document, p.actor, p.reviewer, p.recorded_at"
            " FROM {person_donor_name} n JOIN {payer} p USING (code, version)"
            " WHERE %s::text[] IS NULL OR n.code = ANY(%s) ORDER BY n.code, version"
        )
        asked = (None, None) if codes is None else (list(codes), list(codes))
        with self._log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
            rows = cursor.execute(people, asked).fetchall()
            of: dict[str, list[SealedName]] = {row[0]: [] for row in rows}
            for code, version, sealed, *said in cursor.execute(names, asked):
                of.setdefault(code, []).append(SealedName(version, sealed, _four(said)))
        return [SealedDonor(code, digest, wrapped, number, tuple(of[code])) for code, digest, wrapped, number in rows]

    def key(self, donor: SealedDonor) -> DataKey:
        """The donor's own key. Raises `InvalidTag`."""
        if donor.wrapped is None:
            raise InvalidTag
        return self._keys.unwrapped(donor.wrapped, donor.code.encode())

    def number(self, donor: SealedDonor, key: DataKey) -> str:
        """The citizen number. Raises `InvalidTag`."""
        if donor.number is None:
            raise InvalidTag
        return key.opened(donor.number, _number_bond(donor.code))

    def name(self, donor: SealedDonor, key: DataKey, name: SealedName) -> str:
        """A name. Raises `InvalidTag` where it, or what its version says beside it, was changed."""
        if name.sealed is None:
            raise InvalidTag
        return key.opened(name.sealed, name_bond(donor.code.encode(), name.version, *name.said))

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(
        self, cursor: Cursor[TupleRow], number: str, name: str, payer: Payer, origin: Origin, at: datetime
    ) -> None:
        """A new donor, or a new version of a known one: the payer's row, and the name beside it. Earlier ones stay."""
        code = payer.code
        version = Payers(self._log).write_version(cursor, payer, origin, at)
        row = cursor.execute(
            self._log.sql("SELECT wrapped_key FROM {person_donor} WHERE code = %s"), (code,)
        ).fetchone()
        if row is None:
            key = DataKey()
            sealed = (code, self.digest(number), self._keys.wrapped(key.key, code.encode()))
            cursor.execute(
                self._log.sql("INSERT INTO {person_donor} VALUES (%s, %s, %s, %s)"),
                (*sealed, key.sealed(number, _number_bond(code))),
            )
        else:
            key = self._keys.unwrapped(row[0], code.encode())
        bond = name_bond(code.encode(), version, payer.document, origin.actor, origin.reviewer, at)
        sealed_name = key.sealed(name, bond)
        cursor.execute(
            self._log.sql("INSERT INTO {person_donor_name} VALUES (%s, %s, %s)"), (code, version, sealed_name)
        )

    def note_command(self, cursor: Cursor[TupleRow], code: str, command_id: UUID) -> None:
        """Remember a command that said who the donor is: its digest goes with them."""
        statement = self._log.sql("UPDATE {person_donor} SET commands = commands || %s::uuid WHERE code = %s")
        cursor.execute(statement, (command_id, code))

    def erase(self, cursor: Cursor[TupleRow], payer: Payer, reason: str, origin: Origin, at: datetime) -> None:
        """Destroy key, digest, sealed texts, and the digests of commands; a last version of the payer says why."""
        Payers(self._log).write_version(cursor, payer._replace(document=reason), origin, at)
        commands = "SELECT unnest(commands) FROM {person_donor} WHERE code = %s"
        for statement in (
            f"UPDATE {{command}} SET input_hash = '' WHERE command_id = ANY ({commands})",
            "UPDATE {person_donor} SET digest = NULL, wrapped_key = NULL, sealed_number = NULL WHERE code = %s",
            "UPDATE {person_donor_name} SET sealed_name = NULL WHERE code = %s",
        ):
            cursor.execute(self._log.sql(statement), (payer.code,))


def new_code() -> str:
    """A code for somebody new among the donors; it says nothing about them."""
    return _PREFIX + base64.b32encode(secrets.token_bytes(_LOT)).decode()


def is_donor_code(code: str) -> bool:
    """Whether a payer's code is a person's."""
    return code.startswith(_PREFIX)


def _number_bond(code: str) -> bytes:
    return code.encode() + b"number"


def _four(said: Sequence[Any]) -> tuple[str, str, str, datetime]:
    document, actor, reviewer, at = said
    return document, actor, reviewer, at
