"""A counter in a process of its own: `python -m tests.ledger.desk.other_counter URL POOL FILE`.

FILE is a JSON list of [account, fen, serial, command id]; four threads ask them at once. Prints, in their order, the
version and position of each answer and whether it was already there.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from ledger.account_decisions import Payment
from ledger.desk.coalesce import PoolWriter, Writers
from ledger.desk.commands import Answer, RecordPayment
from ledger.store.connections import Connections
from ledger.store.log import PoolLog
from ledger.store.register import Register
from ledger.words import MoneyKind
from tests.ledger.desk.counter import DAY, KEYS


def main(url: str, pool: str, file: str) -> None:
    asked = json.loads(Path(file).read_text("utf-8"))
    with Connections(url) as connections:
        log, writers = PoolLog(connections, pool), Writers()
        writer = PoolWriter(log, Register(log, KEYS), writers)

        def ask(row: list[str]) -> Answer:
            account, fen, serial, command_id = row
            payment = Payment(MoneyKind.CONTRIBUTION, int(fen), DAY.year, DAY, serial=serial)
            command = RecordPayment(actor="甲", command_id=UUID(command_id), account=UUID(account), payment=payment)
            return writer.ask(command)

        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        with ThreadPoolExecutor(4) as threads:
            told = list(threads.map(ask, asked))
        writers.close()
    print(json.dumps([[one.version, one.position, one.already_there] for one in told]))


if __name__ == "__main__":
    main(*sys.argv[1:])
