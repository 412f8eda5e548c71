"""Who holds the accounts of a roster, opened for a form that names them, and where they live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.store.arrays import uuid_array
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
    found = {}
    for account, owner, wrapped, number, name, version, *said in rows:
        if (wrapped, number, name) == (None, None, None):
            found[account] = HolderName(ERASED, "")
            continue
        if None in (wrapped, number, name):
            raise InvalidTag
        key = register.keys.unwrapped(wrapped, owner)
        bond = name_bond(owner, version, *said)
        found[account] = HolderName(key.opened(name, bond), key.opened(number, owner + b"number"))
    return found


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
    found = {}
    for participant, wrapped, number, name, version, *said in rows:
        owner = participant.bytes
        key = register.keys.unwrapped(wrapped, owner)
        found[participant] = HolderName(
            key.opened(name, name_bond(owner, version, *said)), key.opened(number, owner + b"number")
        )
    return found
