"""Two threads around a deciding one: reading ahead of it, and recording behind it.

Decisions are pure and quick; what they wait for is the database. Both queues are short, so memory stays flat, and every
fault of a thread comes out in the deciding one.
"""

from __future__ import annotations

import gc
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Generic, TypeVar

Read = TypeVar("Read")
Given = TypeVar("Given")
Answer = TypeVar("Answer")

_SWITCH_SECONDS: Final = 0.00005
_COLLECT_ABOVE: Final = 100_000


@contextmanager
def batch_pace() -> Iterator[None]:
    """The interpreter set for a batch: its threads change hands sooner, and rubbish is looked for less often.

    A COPY of 9 MB through a socket of 200 kB needs the interpreter some fifty times, and each time the server waited
    for the deciding thread to let it go: 67 ms at Python's own 5 ms, 27 ms at half a millisecond, 12 ms alone. Rows,
    states and events form no cycles; looking for some among them took a quarter of an import's time.
    """
    switch, collect = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(_COLLECT_ABOVE, *collect[1:])
    try:
        yield
    finally:
        gc.set_threshold(*collect)
        gc.unfreeze()
        sys.setswitchinterval(switch)


class ReadAhead(Generic[Read]):
    """Iterates over `source` in a thread of its own, at most `depth` items ahead."""

    def __init__(self, source: Callable[[], Iterator[Read]], depth: int = 2) -> None:
        self._source = source
        self._items: queue.Queue[tuple[Read | None, BaseException | None]] = queue.Queue(maxsize=depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Iterator[Read]:
        self._thread.start()
        return self._read()

    def __exit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> Iterator[Read]:
        while True:
            item, fault = self._items.get()
            if fault is not None:
                raise fault
            if item is None:
                return
            yield item

    def _work(self) -> None:
        try:
            for item in self._source():
                if not self._offer(item, None):
                    return
            self._offer(None, None)
        except BaseException as fault:
            self._offer(None, fault)

    def _offer(self, item: Read | None, fault: BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._items.put((item, fault), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


class RecordBehind(Generic[Given, Answer]):
    """Gives each tranche to `record` in a thread of its own; the answers come back in order.

    Leaving waits for the tranche under way, also after an exception: a tranche commits whole or not at all, and nobody
    goes on while one is half done.
    """

    def __init__(self, record: Callable[[Given], Answer]) -> None:
        self._record = record
        self._given: queue.Queue[Given | None] = queue.Queue(maxsize=1)
        self._done: queue.Queue[tuple[Given, Answer | BaseException]] = queue.Queue()
        self._under_way = 0
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> RecordBehind[Given, Answer]:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._given.put(None)
        self._thread.join()

    def give(self, tranche: Given) -> Iterator[tuple[Given, Answer]]:
        """Hand a tranche over; yields those recorded meanwhile, so that at most one waits while one is recorded."""
        self._given.put(tranche)
        self._under_way += 1
        while self._under_way > 1:
            yield self._take()

    def rest(self) -> Iterator[tuple[Given, Answer]]:
        """Wait for all that was handed over."""
        while self._under_way:
            yield self._take()

    def _take(self) -> tuple[Given, Answer]:
        given, answer = self._done.get()
        self._under_way -= 1
        if isinstance(answer, BaseException):
            raise answer
        return given, answer

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            try:
                self._done.put((given, self._record(given)))
            except BaseException as fault:
                self._done.put((given, fault))
