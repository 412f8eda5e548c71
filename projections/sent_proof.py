"""Proves that what went out to the tax side is what was recorded: batches without a gap, each with its rows and sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.store.log import PoolLog
from projections.evidence import Finding


def sent_faults(log: PoolLog) -> Iterator[Finding]:
    """Every fault of the pool's batches, each question in a snapshot of its own."""
    gaps = _read(
        log,
        "SELECT n FROM generate_series(1, greatest((SELECT max(batch) FROM {exchange_batch}),"
        " (SELECT max(batch) FROM {exchange_sent}))) AS n"
        " WHERE NOT EXISTS (SELECT FROM {exchange_batch} WHERE batch = n) ORDER BY n",
    )
    for (batch,) in gaps:
        yield Finding("batch_gap", {"batch": batch}, f"缺第{batch}号传输批次")
    changed = _read(
        log,
        "SELECT batch FROM {exchange_batch} b FULL JOIN (SELECT batch, count(*) AS rows, sum(fen)::bigint AS fen,"
        " max(place) AS last FROM {exchange_sent} GROUP BY batch) AS s USING (batch) WHERE b.rows IS DISTINCT FROM"
        " s.rows OR b.fen IS DISTINCT FROM s.fen OR s.last IS DISTINCT FROM b.rows ORDER BY batch",
    )
    for (batch,) in changed:
        yield Finding("batch_rows", {"batch": batch}, f"第{batch}号传输批次的明细与登记的笔数、金额不符")
    stray = _read(
        log,
        "SELECT a.batch, a.place FROM {exchange_answer} a WHERE NOT EXISTS (SELECT FROM {exchange_sent} s"
        " WHERE s.batch = a.batch AND s.place = a.place) ORDER BY 1, 2",
    )
    for batch, place in stray:
        yield Finding(
            "answer_stray", {"batch": batch, "place": place}, f"校验结果所指的第{batch}号批次第{place}行不在册"
        )


def _read(log: PoolLog, text: str) -> list[Any]:
    with log.connections.connection() as connection:
        return connection.execute(log.sql(text)).fetchall()
