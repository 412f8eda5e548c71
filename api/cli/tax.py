"""`pension-ledger tax`: the exchange with the tax side, and the reconciliation of the two books."""

from __future__ import annotations

import typer

from api.cli import (
    tax_allocation,
    tax_differences,
    tax_export,
    tax_failed,
    tax_profiles,
    tax_receivables,
    tax_reconcile,
    tax_refunds,
    tax_report,
    tax_sent,
    tax_special,
    tax_subsidies,
    tax_totals,
)

app = typer.Typer(help="社税数据交换与对账", no_args_is_help=True)
app.add_typer(tax_profiles.app, name="profiles")
app.add_typer(tax_receivables.app, name="receivables")
app.add_typer(tax_sent.app, name="sent")
app.add_typer(tax_totals.app, name="totals")
app.command("reconcile")(tax_reconcile.reconcile_month)
app.command("report")(tax_report.report)
app.add_typer(tax_refunds.app, name="refunds")
app.add_typer(tax_failed.app, name="failed")
app.add_typer(tax_special.app, name="special")
app.command("subsidies")(tax_subsidies.subsidies)
app.command("export")(tax_export.export)
app.command("answers")(tax_sent.answers)
app.command("unallocated")(tax_allocation.unallocated)
app.command("allocate")(tax_allocation.allocate)
app.command("retry")(tax_allocation.retry)
app.add_typer(tax_differences.app, name="differences")
app.command("sign")(tax_differences.sign)
app.command("reopen")(tax_differences.reopen)
app.command("events")(tax_differences.events)
