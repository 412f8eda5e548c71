"""Ctrl-C in tests."""

from __future__ import annotations

import signal


def let_through() -> None:
    """Ctrl-C reaches the commands that this process starts: a shell has its background jobs ignore it, and theirs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
