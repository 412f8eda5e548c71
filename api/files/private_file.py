"""A file that holds identities: it appears whole or not at all, and only its owner can read it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from api.files.result_file import remove_abandoned
from api.files.table_header import FileFault


class PrivateFile:
    """Writes such a file; a context manager that publishes it on success and removes it on failure.

    Opening raises `FileFault` where the file is there already or cannot be written, so whoever records something first
    opens the file before. Without `overwrite` it replaces no other, whoever made that one meanwhile.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path: Final = path
        self._overwrite = overwrite
        self._partial: Final = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        self._stream: BinaryIO | None = None
        self._unwanted = False

    def __enter__(self) -> Self:
        if self.path.is_dir() or (self.path.exists() and not self._overwrite):
            raise self._already_there()
        try:
            remove_abandoned(self.path.parent, self.path.name)
            self._stream = os.fdopen(os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def discard(self) -> None:
        """There is nothing to be written after all: no file appears."""
        self._unwanted = True

    @property
    def stream(self) -> BinaryIO:
        """Where to write, for a writer that moves about in the file."""
        if self._stream is None:
            raise RuntimeError("the file is not open")
        return self._stream

    def write(self, content: bytes) -> None:
        """Write a part. Raises `OSError`."""
        self.stream.write(content)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None and not self._unwanted:
                self._publish()
        except FileExistsError as fault:
            raise self._already_there() from fault
        except OSError as fault:
            raise self._unwritable(fault) from fault
        finally:
            if self._stream is not None and not self._stream.closed:
                with contextlib.suppress(OSError):  # a full disk: what was written is removed
                    self._stream.close()
            self._partial.unlink(missing_ok=True)

    def _publish(self) -> None:
        """Give the file its name; where it must not replace another, a link does not."""
        assert self._stream is not None
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        if not self._overwrite:
            try:
                self.path.hardlink_to(self._partial)
            except FileExistsError:
                raise
            except OSError:  # a file system without links
                if self.path.exists():
                    raise FileExistsError(str(self.path)) from None
            else:
                return
        self._partial.replace(self.path)

    def _already_there(self) -> FileFault:
        return FileFault("文件已存在", self.path.name, "请另取文件名，或以 --overwrite 覆盖")

    def _unwritable(self, error: OSError) -> FileFault:
        return FileFault(f"无法写入：{error.strerror}", self.path.name, "请核对文件夹是否存在、可写")
