"""How commands speak: progress and notices on stderr, the answer alone on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def say_json(answer: Any) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def notice(text: str) -> None:
    """A line for the person at the console."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def answer(text: str) -> None:
    """A line of the answer itself."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress line on stderr (nothing where stderr is no terminal); call the result with how many more are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    # To import it takes an eighth of the time in which a command starts, and most commands show no progress.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as shown:
        task = shown.add_task(title, total=total)
        yield lambda more: shown.advance(task, more)
