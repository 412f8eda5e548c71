"""The reading half of an import of payments: a file's rows checked by themselves, and what deciding them asks for.

It writes nothing and holds no lock. Of a long file it runs in a process of its own (see `apart`): beside a deciding
thread, reading and looking up took as long again as deciding did. What a page says was so when the log ended at its
position; the deciding half mends it by what it recorded after that.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from ledger.account import PersonalAccount
from ledger.identity import is_payer_code
from ledger.jobs.intake import FileRow
from ledger.jobs.payment_rows import (
    OPTIONAL,
    REQUIRED,
    FaultyRow,
    PaymentRow,
    RefusedRow,
    read_payment,
    said_of,
)
from ledger.jobs.pipeline import batch_pace
from ledger.refusals import Reason, refuse
from ledger.store.connections import Connections
from ledger.store.donors import Donors
from ledger.store.exchange_records import ExchangeRecords, Kept, Sealer, Waiting
from ledger.store.external_identities import NEW, Identity, RecordedRow, find_rows
from ledger.store.log import PoolLog
from ledger.store.register import Holder, Register
from ledger.store.states import decode_state, states_of

ReadRow = PaymentRow | FaultyRow | RefusedRow
PAYER: Final = (*REQUIRED, *OPTIONAL).index("来源单位")


class Person(NamedTuple):
    """Who a row is about as the register knows them: the latest account, and whether the row has the right name.

    `content` is the keyed digest of what the row says, by which its repetition is known.
    """

    account: bytes | None
    named: bool
    content: bytes


class LookedUp(msgspec.Struct, gc=False):
    """What deciding rows asks for, as it stood when the log's last id was `position`.

    `people` by the line of their row, absent where unknown; `states` as they are stored, by account, and `accounts` as
    they read; `known` is what is recorded under the rows' serials, `waiting` the cancellations that wait for them.
    """

    position: int
    people: dict[int, Person]
    states: dict[bytes, bytes]
    known: dict[Identity, RecordedRow]
    waiting: dict[str, list[Waiting]]
    accounts: dict[bytes, PersonalAccount] = {}

    def decoded(self) -> LookedUp:
        """With what the states say. Whoever reads ahead does it while the deciding half waits for its recording."""
        self.accounts = {account: decode_state(state) for account, state in self.states.items()}
        return self

    def join(self, later: LookedUp) -> None:
        """What was looked up for the rows after these; all of it is as old as the first."""
        self.people.update(later.people)
        self.states.update(later.states)
        self.accounts.update(later.accounts)
        self.known.update(later.known)
        self.waiting.update(later.waiting)


class Page(msgspec.Struct, gc=False):
    """Rows of a file in its order, what deciding them asks for, and each of them as it is to be kept."""

    rows: list[ReadRow]
    looked_up: LookedUp
    kept: list[Kept]


class Reading(NamedTuple):
    """What is to be read: rows of a file with their cells at the places `order` (-1: absent), so many a page."""

    rows: Iterable[FileRow]
    order: list[int]
    page: int
    sha256: str


def pages(log: PoolLog, register: Register, reading: Reading) -> Iterator[Page]:
    """Every row of a file, checked by itself, looked up and sealed."""
    rows = iter(reading.rows)
    sealer = Sealer(register.keys, ExchangeRecords(log).intake_key(register.keys), reading.sha256)
    while received := [_ordered(row, reading.order) for row in islice(rows, reading.page)]:
        page = with_donors(register, [read_row(row) for row in received])
        people = _people(log, register, [row for row in page if not isinstance(row, RefusedRow)])
        yield Page(page, look_up(log, register, people), _kept(sealer, received, page, people))


def _ordered(row: FileRow, order: Sequence[int]) -> FileRow:
    line, cells, fault = row
    return line, [cells[place] if place >= 0 else "" for place in order], fault


def read_row(row: FileRow) -> ReadRow:
    """One row checked by itself, its cells in the order of REQUIRED and OPTIONAL."""
    line, cells, fault = row
    if fault:
        return RefusedRow(line, "", refuse(Reason.ROW_FAULT, f"第{line}行：{fault}"))
    return read_payment(line, cells)


class _People(NamedTuple):
    """The persons of some rows as the register knows them when the log's last id is `position`."""

    position: int
    rows: Sequence[PaymentRow | FaultyRow]
    digests: Mapping[int, bytes]
    holders: Mapping[bytes, Holder]


def _people(log: PoolLog, register: Register, rows: Sequence[PaymentRow | FaultyRow]) -> _People:
    position = log.position()[0]
    digests = {row.line: register.digest(row.number) for row in rows}
    return _People(position, rows, digests, register.find(set(digests.values())))


def _kept(sealer: Sealer, received: Sequence[FileRow], read: Sequence[ReadRow], people: _People) -> list[Kept]:
    """Each row as it is to be kept: number and name, or all of a row that says of nobody who it is about.

    Who pays as a person is not kept beside the person it is paid for: the donor's code is, where there is one. So of
    来源单位 nothing is kept but what reads as a code: it could be a donor's name, or a number with a slip in it.
    """
    kept = []
    for (line, cells, fault), row in zip(received, read, strict=True):
        said, digest = said_of(row), people.digests.get(line)
        holder = people.holders.get(digest) if digest else None
        if holder is not None:
            kept.append(sealer.known(holder.owner, holder.wrapped, line, said, cells[2:4]))
        elif digest is not None and not fault:
            kept.append(sealer.unknown(digest, line, said, cells[2:4]))
        else:
            if cells[PAYER] and not is_payer_code(cells[PAYER]):
                cells[PAYER] = ""
            kept.append(sealer.unknown(None, line, said, cells))
    return kept


def with_donors(register: Register, rows: list[ReadRow]) -> list[ReadRow]:
    """The rows with the codes of those who pay as persons: no number of theirs goes on from here."""
    numbers = {row.donor for row in rows if isinstance(row, PaymentRow) and row.donor}
    if not numbers:
        return rows
    payers = Donors(register).payers_of(numbers)
    return [row.paid_by(payers.get(row.donor)) if isinstance(row, PaymentRow) and row.donor else row for row in rows]


def look_up(log: PoolLog, register: Register, found: _People) -> LookedUp:
    """People, the states of their accounts, and what is recorded under the serials.

    States before serials: a row that somebody else records in between then shows in its account's version, and is
    decided again; the other way round it would meet its own identity in the log. A rename moves the account too.
    """
    position, rows, digests, holders = found
    states = dict(states_of(log, {holder.account for holder in holders.values() if holder.account}))
    known = find_rows(log, {row.payment.serial for row in rows if isinstance(row, PaymentRow)})
    states.update(states_of(log, {row.account for row in known.values()} - states.keys()))
    new = {row.payment.serial for row in rows if isinstance(row, PaymentRow) and row.data_type == NEW}
    people = {}
    for row in rows:
        if holder := holders.get(digests[row.line]):
            content = register.payment_content(holder.owner, row.payment) if isinstance(row, PaymentRow) else b""
            people[row.line] = Person(holder.account, register.is_named(holder, row.name), content)
    return LookedUp(position, people, states, known, ExchangeRecords(log).waiting(new) if new else {})


def look_up_again(log: PoolLog, register: Register, rows: Sequence[PaymentRow | FaultyRow]) -> LookedUp:
    """The same for rows that are to be decided again."""
    return look_up(log, register, _people(log, register, rows))


# -- in a process of its own -------------------------------------------------------------------------------------------

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Page).decode


def decode_page(parts: Sequence[bytearray]) -> Page:
    """The page as `pages_apart` gave it."""
    page = _decode(parts[0])
    page.looked_up.decoded()
    return page


def asked_apart(log: PoolLog, register: Register, reading: Reading) -> bytes:
    """What `pages_apart` is given. It holds the keys: it goes through a pipe to a process of ours, and nowhere else."""
    return pickle.dumps((log.connections.url, log.pool, register.keys, reading))


def pages_apart(asked: bytes) -> Iterator[tuple[bytes]]:
    """Every page, encoded. Runs in the child."""
    url, pool, keys, reading = pickle.loads(asked)
    with Connections(url, "pension-ledger import") as connections, batch_pace():
        log = PoolLog(connections, pool)
        for page in pages(log, Register(log, keys), reading):
            yield (_encode(page),)
