"""What the server says about itself: JSON lines on stderr, one a request.

A line holds the route's template and never the path, the query, a header or a body: a name or a number can stand in any
of them. Of a fault it holds the kind and the place, not its words, because a database quotes values.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode
_FRAMES_MAX: Final = 6


def tell(level: str, **said: Any) -> None:
    """One line: the instant, the level, and what is said."""
    line = _encode({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, **said})
    sys.stderr.write(line.decode() + "\n")


def fault_of(fault: BaseException) -> dict[str, Any]:
    """The kind of a fault and where it arose, innermost last."""
    return {"fault": type(fault).__name__, "at": _places(fault.__traceback__)}


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-3:])}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-_FRAMES_MAX:]


class JournalHandler(logging.Handler):
    """Lines of the libraries, without their arguments, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line of a library, from `warning` on."""
        tell(record.levelname.lower(), logger=record.name, message=str(record.msg).split("\n", 1)[0][:200])
