"""`pension-ledger tax`: the exchange with the tax side, and the reconciliation of the two books."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import typer

_GROUPS: Final = {
    "profiles": "tax_profiles",
    "receivables": "tax_receivables",
    "sent": "tax_sent",
    "totals": "tax_totals",
    "refunds": "tax_refunds",
    "failed": "tax_failed",
    "special": "tax_special",
    "differences": "tax_differences",
}
"""Groups by the page they stand on."""
_COMMANDS: Final = {
    "export": ("tax_export", "export"),
    "answers": ("tax_sent", "answers"),
    "reconcile": ("tax_reconcile", "reconcile_month"),
    "report": ("tax_report", "report"),
    "sign": ("tax_differences", "sign"),
    "reopen": ("tax_differences", "reopen"),
    "events": ("tax_differences", "events"),
    "unallocated": ("tax_allocation", "unallocated"),
    "allocate": ("tax_allocation", "allocate"),
    "retry": ("tax_allocation", "retry"),
    "subsidies": ("tax_subsidies", "subsidies"),
}
"""Commands by page and function."""


def group(asked: str) -> typer.Typer:
    """The one command or group that is asked for, or all of them where it is none: a month's comparison need not read
    the pages of refunds.
    """
    app = typer.Typer(help="社税数据交换与对账", no_args_is_help=True)
    known = asked in _GROUPS or asked in _COMMANDS
    for name, page in _GROUPS.items():
        if not known or name == asked:
            app.add_typer(import_module(f"api.cli.{page}").app, name=name)
    for name, (page, function) in _COMMANDS.items():
        if not known or name == asked:
            app.command(name)(getattr(import_module(f"api.cli.{page}"), function))
    app.callback()(lambda: None)  # or a single command would stand without its name
    return app
