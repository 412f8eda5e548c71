"""`tax export` that is killed: before the batch is committed, after it, or while the file is written.

python -m tests.api.cli.export_killed before|after|writing ARGUMENT ...
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.cli import tax_export
from api.cli.main import run
from ledger.store.sent import SentBatches


def end() -> None:
    """No handler runs, and nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """One export."""
    when, *arguments = sys.argv[1:]
    record, write_batch = SentBatches.record, tax_export.write_batch

    def recorded(self: SentBatches, *given: Any) -> int:
        connections = self._log.connections
        transaction = connections.transaction

        @contextmanager
        def killed() -> Iterator[Any]:
            with transaction() as connection:
                yield connection
                end()

        if when == "before":
            connections.transaction = killed  # type: ignore[method-assign]
        number = record(self, *given)
        if when == "after":
            end()
        return number

    def written(file: Any, *given: Any) -> None:
        write_batch(file, *given)
        file.stream.flush()
        end()

    SentBatches.record = recorded  # type: ignore[method-assign]
    if when == "writing":
        tax_export.write_batch = written
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
