"""Statements sent to the server one behind the other in PostgreSQL's own format, and their answers read at the end.

The driver's pipeline asks its adapters and the socket at every statement, some 45 microseconds of Python each; a batch
of commands has nine. Here a statement's parameters are in binary already, and what was said goes out in one piece.
"""

from __future__ import annotations

import re
import select
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from ledger.store.arrays import ByteaArray, Int8Array, TextArray, UuidArray

_OIDS: Final[dict[type, int]] = {
    UuidArray: 2951, ByteaArray: 1001, TextArray: 1009, Int8Array: 1016, int: 20, datetime: 1184,
}  # fmt: skip
"""What a parameter may be, and PostgreSQL's type for it."""
_PLACE: Final = re.compile(rb"%(?:\((\w+)\))?s|%%")
_INT8: Final = struct.Struct("!q")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ROWS: Final = pq.ExecStatus.TUPLES_OK
_DONE: Final = pq.ExecStatus.COMMAND_OK
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC
_ABORTED: Final = pq.ExecStatus.PIPELINE_ABORTED
_names: Final = count(1)
_prepared: Final[WeakKeyDictionary[Connection[Any], dict[bytes, bytes]]] = WeakKeyDictionary()
"""By connection, the name under which the server keeps each statement that was said before."""


class Executor(Protocol):
    """What a hook writes with: a cursor of the driver, or a pipeline, which takes parameters in binary only."""

    def execute(self, query: bytes, params: Any = ..., /, *, prepare: bool | None = ...) -> Any:
        """Have a statement done."""


class _Text(NamedTuple):
    """A statement with numbered places, and the names of its parameters in that order, empty where they have none."""

    text: bytes
    names: tuple[str, ...]

    @staticmethod
    def of(statement: bytes) -> _Text:
        names: list[str] = []
        places = count(1)

        def place(found: re.Match[bytes]) -> bytes:
            if found[0] == b"%%":
                return b"%"
            if found[1] is None:
                return b"$%d" % next(places)
            name = found[1].decode()
            if name not in names:
                names.append(name)
            return b"$%d" % (names.index(name) + 1)

        return _Text(_PLACE.sub(place, statement), tuple(names))


_text: Final = cache(_Text.of)


class Pipelined:
    """Statements of one connection, in their order; the first that fails, fails all behind it.

    Until it ends, the connection takes no statement of the driver: it would wait for an answer that never comes.
    """

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._server = connection.pgconn
        self._known = _prepared.setdefault(connection, {})
        self._expected: list[bool] = []

    def __enter__(self) -> Pipelined:
        self._server.enter_pipeline_mode()
        return self

    def execute(
        self,
        query: bytes,
        params: Mapping[str, Any] | Sequence[Any] = (),
        /,
        *,
        prepare: bool | None = True,  # noqa: ARG002
    ) -> Pipelined:
        """Say a statement; it leaves with `flush`, or at the end. Every one is prepared."""
        text = _text(query)
        given = [params[name] for name in text.names] if isinstance(params, Mapping) else params
        name = self._known.get(query)
        if name is None:
            name = self._known[query] = b"pipelined_%d" % next(_names)
            self._server.send_prepare(name, text.text, [_OIDS[type(value)] for value in given])
            self._expected.append(False)
        values = [value if isinstance(value, bytes) else _binary(value) for value in given]
        self._server.send_query_prepared(name, values, [1] * len(values), 1)
        self._expected.append(True)
        return self

    def flush(self) -> None:
        """Send what was said so far."""
        while self._server.flush():
            self._wait(select.POLLIN | select.POLLOUT)
            self._server.consume_input()

    def finish(self) -> list[list[TupleRow]]:
        """The rows of each statement, once all are done. Raises the first error among them."""
        server = self._server
        server.pipeline_sync()
        self.flush()
        rows: list[list[TupleRow]] = []
        fault: psycopg.Error | None = None
        expected = iter(self._expected)
        while (result := self._result()).status != _SYNC:
            if result.status in (_ROWS, _DONE):
                if next(expected):
                    rows.append(self._rows(result))
            elif fault is None and result.status != _ABORTED:
                fault = error_from_result(result, encoding="utf-8")
        self._expected.clear()
        if fault is not None:
            self._known.clear()  # whatever was prepared behind it was not
            raise fault
        return rows

    def _result(self) -> PGresult:
        """The next answer; between two of them the server says nothing once."""
        server = self._server
        for _ in range(2):
            while server.is_busy():
                self._wait(select.POLLIN)
                server.consume_input()
            if (result := server.get_result()) is not None:
                return result
        raise psycopg.OperationalError("the server gave no answer")

    def _rows(self, result: PGresult) -> list[TupleRow]:
        if not result.ntuples:
            return []
        reader = Transformer(self._connection)
        reader.set_pgresult(result)
        return reader.load_rows(0, result.ntuples, tuple)

    def _wait(self, what: int) -> None:
        poll = select.poll()
        poll.register(self._server.socket, what)
        poll.poll()

    def __exit__(
        self, kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if self._expected:
                if kind is None:
                    self.finish()
                else:
                    with suppress(psycopg.Error):
                        self.finish()
        finally:
            with suppress(psycopg.Error):
                self._server.exit_pipeline_mode()


def _binary(value: int | datetime) -> bytes:
    if isinstance(value, int):
        return _INT8.pack(value)
    return _INT8.pack((value - _EPOCH) // _MICROSECOND)
