"""A review or an allocation that ends itself before or after its commit, as a process of its own.

python -m tests.api.cli.plan_killed HOME URL POOL before|after COMMAND   (the command as JSON, its kind first)
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.desk.plan_commands import AllocateRoster, ReturnRoster, ReviewRoster
from ledger.desk.plans import PlanDesk
from ledger.store.connections import Connections
from ledger.store.keys import load_keys
from ledger.store.log import PoolLog
from ledger.store.register import Register

KINDS: Final = {kind.__name__: kind for kind in (ReviewRoster, AllocateRoster, ReturnRoster)}


def main() -> None:
    """One command, killed."""
    home, url, pool, when, kind, said = sys.argv[1:]
    with Connections(url) as connections:
        log = PoolLog(connections, pool)
        record = log.record

        def killed(buffer: Any, hook: Any, **more: Any) -> None:
            def last(cursor: Any, moved: Any, at: Any) -> None:
                hook(cursor, moved, at)
                if when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)

            record(buffer, last, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        log.record = killed  # type: ignore[method-assign, assignment]
        command = msgspec.json.decode(said, type=KINDS[kind])
        PlanDesk(log, Register(log, load_keys(Path(home), {}))).do(command)


if __name__ == "__main__":
    main()
