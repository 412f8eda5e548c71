"""An explanation that ends itself before or after its commit, as a process of its own.

python -m tests.api.cli.month_killed HOME URL POOL before|after COMMAND   (the command as JSON)
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from ledger.desk.reconciliation import Explain, MonthDesk
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.register import Register
from projections.reconciliation_facts import facts_of


def main() -> None:
    """One command, killed."""
    home, url, pool, when, said = sys.argv[1:]
    with Connections(url) as connections:
        log = PoolLog(connections, pool)
        record = log.record

        def killed(writes: Any, hook: Any, **more: Any) -> None:
            def last(cursor: Any, moved: Any, at: Any) -> None:
                hook(cursor, moved, at)
                if when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)

            record(writes, last, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        log.record = killed  # type: ignore[method-assign, assignment]
        register = Register(log, load_keys(Path(home), {}))
        command = msgspec.json.decode(said, type=Explain)
        MonthDesk(log, register, lambda one: facts_of(log, one)).do(command)


if __name__ == "__main__":
    main()
