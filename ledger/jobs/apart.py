"""A generator of ours in a process of its own: the bytes it yields come back, its faults as they were raised.

Deciding and recording in one interpreter take turns: beside a deciding thread each COPY took twice as long, and each
decision waited for the COPY. In two processes they do not. The child only reads the database; whatever ends the
parent, the child's next word finds nobody listening, and it ends too.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import IO, Final

from ledger.jobs.pipeline import ReadAhead
from ledger.store.copy_rows import Buffer

_HEAD: Final = struct.Struct("!cB")
_LENGTH: Final = struct.Struct("!Q")
_YIELDED, _RAISED, _ENDED = b"Y", b"R", b"E"
_STOP_SECONDS_MAX: Final = 10
_CHILD: Final = "import sys; from ledger.jobs.apart import serve; serve(sys.argv[1])"
"""Not run as a module: its classes would be others than ours, and no fault of them could be raised here."""
_PIPE_BYTES: Final = 1 << 20
"""Room for a page or two: at the system's 64 kB the child stood still while the parent read."""


class ApartError(Exception):
    """The process ended without a word, or raised what cannot be told apart from its text."""


class Apart:
    """A child interpreter in which `target` (``module:function`` of one bytes argument) yields.

    It starts, and imports what it needs, before it is asked: whoever asks may have work of their own until then. What
    it yields are parts, as many buffers as it likes: joining them would copy a page twice on its way.
    """

    def __init__(self, target: str) -> None:
        self._target = target

    def __enter__(self) -> Apart:
        command = [sys.executable, "-P", "-c", _CHILD, self._target]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdout is not None
        with suppress(AttributeError, OSError):  # Linux alone, and not above what the system allows
            fcntl.fcntl(self._child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return self

    def ask(self, asked: bytes) -> Iterator[list[bytearray]]:
        """All that it yields. Raises what it raised, and `ApartError`."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(BrokenPipeError):  # it is gone: reading says so
            self._child.stdin.write(asked)
            self._child.stdin.close()
        return self._read(self._child.stdout)

    def __exit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        try:
            self._child.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def _read(self, stream: IO[bytes]) -> Iterator[list[bytearray]]:
        while True:
            word, count = _HEAD.unpack(self._take(stream, _HEAD.size))
            lengths = [_LENGTH.unpack(self._take(stream, _LENGTH.size))[0] for _ in range(count)]
            parts = [self._take(stream, length) for length in lengths]
            if word == _ENDED:
                return
            if word == _RAISED:
                raise pickle.loads(parts[0])
            yield parts

    def _take(self, stream: IO[bytes], length: int) -> bytearray:
        taken = bytearray(length)
        if stream.readinto(taken) < length:  # type: ignore[attr-defined]  # a BufferedReader, which IO does not say
            raise ApartError(f"{self._target} 提前结束（退出码 {self._child.wait()}）")
        return taken


def serve(target: str) -> None:
    """The child: Ctrl-C is the parent's to answer; a parent that is gone ends the writing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with os.fdopen(os.dup(1), "wb", buffering=0) as told:
        os.dup2(2, 1)
        module, _, name = target.partition(":")
        try:
            function = getattr(import_module(module), name)
            asked = sys.stdin.buffer.read()
            with ReadAhead(lambda: function(asked)) as parts:
                for said in parts:
                    _tell(told, _YIELDED, said)
            _tell(told, _ENDED, ())
        except Exception as fault:
            _tell(told, _RAISED, (_pickled(fault),))


def _pickled(fault: Exception) -> bytes:
    try:
        pickled = pickle.dumps(fault)
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(ApartError(f"{type(fault).__name__}: {fault}"))
    return pickled


def _tell(stream: IO[bytes], word: bytes, parts: Sequence[Buffer]) -> None:
    """All of it: one write to a pipe may take only a part."""
    lengths = b"".join(_LENGTH.pack(len(part)) for part in parts)
    for part in (_HEAD.pack(word, len(parts)) + lengths, *parts):
        rest = memoryview(part)
        while rest:
            rest = rest[stream.write(rest) :]
