"""补助/资助申报表 as a file: which columns it has, and which of them must be typed."""

from __future__ import annotations

from pathlib import Path

from api.files.tables import Columns, OpenTable, open_table
from ledger.jobs import roster_rows


def open_roster(path: Path) -> OpenTable:
    """Open an 申报表, .xlsx or .csv. Raises `FileFault` for all that makes the whole file unreadable."""
    columns = Columns(roster_rows.REQUIRED, roster_rows.OPTIONAL, roster_rows.TYPED)
    return open_table(path, columns, roster_rows.TEXT)
