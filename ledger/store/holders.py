"""Who holds the accounts of a roster, opened for a form that names them, and where they live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ledger.store.arrays import int8_array, uuid_array
from ledger.store.keys import InvalidTag
from ledger.store.register import ERASED, Register, name_bond


class HolderName(NamedTuple):
    """The holder of an account: the latest name and the citizen number; of an erased person `ERASED` and ""."""

    name: str
    number: str


def open_holders(register: Register, accounts: Collection[bytes]) -> dict[bytes, HolderName]:
    """The holders of these accounts (16 bytes each), in one reading. Raises `InvalidTag` where a row was changed."""
    statement = register.log.sql(
        "SELECT uuid_send(h.account_id), uuid_send(p.participant_id), p.wrapped_key, p.sealed_number, n.sealed_name,"
        " n.register_version, n.document, n.actor, n.reviewer, n.recorded_at FROM {account_holder} h"
        " JOIN {participant} p USING (participant_id) JOIN {participant_name} n ON n.participant_id = p.participant_id"
        " AND n.register_version = p.register_version WHERE h.account_id = ANY(%s)"
    )
    with register.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, (uuid_array(accounts),)).fetchall()
    return {
        account: _opened(register, owner, wrapped, number, name, row)
        for account, owner, wrapped, number, name, *row in rows
    }


def by_division(register: Register, rosters: Sequence[str]) -> list[tuple[str, int, int]]:
    """What rosters name in each village: its code, how many persons, how much (fen); by code."""
    statement = register.log.sql(
        "SELECT h.division, count(DISTINCT h.participant_id), sum(r.fen)::bigint FROM {roster_row} r"
        " JOIN {account_holder} h USING (account_id) WHERE r.roster = ANY(%s) GROUP BY 1 ORDER BY 1"
    )
    with register.log.connections.connection() as connection:
        return connection.execute(statement, ([UUID(one) for one in rosters],)).fetchall()


def open_people(register: Register, participants: Collection[UUID]) -> dict[UUID, HolderName]:
    """The latest names and the numbers of these participants, in one reading; erased ones are left out.

    Raises `InvalidTag` where a row was changed.
    """
    statement = register.log.sql(
        "SELECT p.participant_id, p.wrapped_key, p.sealed_number, n.sealed_name, n.register_version, n.document,"
        " n.actor, n.reviewer, n.recorded_at FROM {participant} p JOIN {participant_name} n"
        " USING (participant_id, register_version) WHERE participant_id = ANY(%s) AND wrapped_key IS NOT NULL"
    )
    with register.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, (uuid_array([one.bytes for one in participants]),)).fetchall()
    return {
        participant: _opened(register, participant.bytes, wrapped, number, name, row)
        for participant, wrapped, number, name, *row in rows
    }


def open_versions(register: Register, asked: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], HolderName]:
    """These participants under the name of a version of the register each, in one reading. Raises `InvalidTag`."""
    pairs = list(asked)
    statement = register.log.sql(
        "SELECT p.participant_id, p.wrapped_key, p.sealed_number, n.sealed_name, n.register_version, n.document,"
        " n.actor, n.reviewer, n.recorded_at FROM unnest(%s, %s) AS a (who, version), LATERAL (SELECT * FROM"
        " {participant} WHERE participant_id = a.who OFFSET 0) AS p, LATERAL (SELECT * FROM {participant_name}"
        " WHERE participant_id = a.who AND register_version = a.version OFFSET 0) AS n"
    )
    columns = uuid_array([who.bytes for who, _ in pairs]), int8_array([version for _, version in pairs])
    with register.log.connections.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement, columns).fetchall()
    return {
        (who, row[0]): _opened(register, who.bytes, wrapped, number, name, row)
        for who, wrapped, number, name, *row in rows
    }


def _opened(
    register: Register, owner: bytes, wrapped: bytes | None, number: bytes | None, name: bytes | None, row: list[Any]
) -> HolderName:
    """`row` is the version of the name and all that its seal is bound to."""
    if wrapped is None and number is None and name is None:
        return HolderName(ERASED, "")
    if wrapped is None or number is None or name is None:
        raise InvalidTag
    key = register.keys.unwrapped(wrapped, owner)
    return HolderName(key.opened(name, name_bond(owner, row[0], *row[1:])), key.opened(number, owner + b"number"))
