"""The deciding half of an interest run: page after page of accounts in key order, each decided and laid down.

It runs in a process of its own (see `apart`) and writes nothing. What a page says rests on the version of the rules
that stands in it; the recording half compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

import msgspec

from ledger.account import evolve
from ledger.account_events import InterestCredited
from ledger.interest_decisions import credit_interest
from ledger.jobs.interest_report import Credited, InterestReport
from ledger.jobs.pipeline import ReadAhead, batch_pace
from ledger.late_money import Origin
from ledger.refusals import Refusal
from ledger.region_rules import RegionRules
from ledger.store.connections import Connections
from ledger.store.copy_rows import Buffer, RowBlock, TrancheBuffer
from ledger.store.log import PoolLog
from ledger.store.mapper import encode
from ledger.store.states import FIRST, LAST, decode_state, encode_state, page_of_states

STRETCH_PAGES: Final = 4
"""Pages of a stretch: a page is as small as a tranche may be, a statement need not be."""
_TOPIC: Final = InterestCredited.topic.encode()
_decode_event: Final = msgspec.json.Decoder(InterestCredited).decode


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided: the year's interest of the pool's accounts, on whose word, in pages.

    `borders` part the accounts after key `after` into stretches; of `helpers` processes, this is the one that takes
    every stretch whose turn it is.
    """

    url: str
    pool: str
    year: int
    actor: str
    reviewer: str
    today: date
    page: int
    after: bytes = FIRST
    borders: tuple[bytes, ...] = ()
    helpers: int = 1
    turn: int = 0

    @property
    def origin(self) -> Origin:
        """On whose word, and that it is this job."""
        return Origin(self.actor, self.reviewer, f"job interest {self.year}")


class Head(msgspec.Struct):
    """Of accounts up to key `last`: the version of the rules they were decided under, and their figures."""

    last: bytes
    rules_version: int
    report: InterestReport
    looked_at: int


class Page(NamedTuple):
    """Accounts decided, and what is to be written of them."""

    head: Head
    rows: RowBlock


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Head).decode


def decode_page(parts: Sequence[bytearray]) -> Page:
    """The page as `decided` gave it."""
    return Page(_decode(parts[0]), RowBlock.of(parts[1:]))


def decided(asked: bytes) -> Iterator[list[Buffer]]:
    """Every page of the job's stretches, encoded in parts; no part ends a stretch. Runs in the child."""
    job = msgspec.json.decode(asked, type=Job)
    with Connections(job.url, "pension-ledger interest") as connections, batch_pace():
        log = PoolLog(connections, job.pool)
        rules = log.rules()
        with ReadAhead(lambda: _pages(log, job)) as pages:
            for page in pages:
                if page:
                    head, rows = decide_page(page, job, rules)
                    yield [_encode(head), *rows.parts()]
                else:
                    yield []


def _pages(log: PoolLog, job: Job) -> Iterator[list[tuple[bytes, bytes]]]:
    """The accounts of the job's stretches in key order, and an empty page after each.

    A short transaction for a stretch, never a snapshot held open; one that has grown since it was parted takes more.
    """
    ends = (job.after, *job.borders, LAST)
    limit = 2 * STRETCH_PAGES * job.page
    with log.connections.connection() as connection:
        for stretch in range(job.turn, len(ends) - 1, job.helpers):
            last, through = ends[stretch : stretch + 2]
            grown = True
            while grown:
                read = page_of_states(connection, log, last, limit, through)
                yield from (read[first : first + job.page] for first in range(0, len(read), job.page))
                if grown := len(read) == limit:
                    last = read[-1][0]
            yield []


def decide_page(page: list[tuple[bytes, bytes]], job: Job, rules: RegionRules) -> Page:
    """The interest of each account of a page, laid down as it is to be recorded."""
    rows = RowBlock()
    credited: list[Credited] = []
    year, origin, today = job.year, job.origin, job.today
    rate = rules.rate(year)
    report = InterestReport(
        pool=job.pool, year=year, rate=rate.text if rate else "", rate_document=rate.document if rate else ""
    )
    for account, stored in page:
        state = decode_state(stored)
        answer = credit_interest(state, year, rules, origin, today)
        if isinstance(answer, Refusal):
            report.count(answer.reason)
        elif not answer:
            report.without_money += 1
        else:
            event = answer[0]
            after = evolve(state, event)
            rows.add_event(account, after.version, _TOPIC, encode(event))
            rows.add_state(account, state.version, after.version, year, encode_state(after))
            credited.append((state.division, after.opening.total, event.effect.interest, event.fen_months))
    report.add(credited)
    return Page(Head(page[-1][0], rules.version, report, len(page)), rows)


def credited_in(writes: TrancheBuffer) -> list[Credited]:
    """The figures of laid-down accounts, read again from what was to be stored."""
    return [
        (state.division, state.opening.total, event.effect.interest, event.fen_months)
        for event, state in zip(
            map(_decode_event, writes.stored_events()), map(decode_state, writes.stored_states()), strict=True
        )
    ]
