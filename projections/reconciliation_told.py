"""A reconciled month and its differences as they are printed and answered: amounts in yuan, words, never a person."""

from __future__ import annotations

from typing import Any, Final

from ledger.differences import CHINESE, Category
from ledger.exchange import TYPES
from ledger.money import fen_to_yuan
from ledger.reconciliation_month import Status
from ledger.words import KINDS
from projections.reconciliation_pages import TAX_AGENCY, Difference, MonthView

COMPARISONS: Final = {
    TAX_AGENCY: "税务—核定",
    "tax_ledger": "税务—账簿",
    "tax_treasury": "税务—国库",
    "treasury_fiscal": "国库—财政专户",
    "agency_bank": "账簿—经办银行账户",
    "pool_county": "统筹区—旗县",
    "collected": "征缴统计",
    "refund": "退费",
}
"""What is compared with what."""
_ONE_SIDED: Final = {
    "tax_treasury": ("税务有、国库无", "国库有、税务无"),
    "treasury_fiscal": ("国库有、专户无", "专户有、国库无"),
    "agency_bank": ("银行有、账簿无", "账簿有、银行无"),
    "pool_county": ("旗县有、统筹区无", "统筹区有、旗县无"),
    "collected": ("统计有、账簿无", "账簿有、统计无"),
}
"""What TAX_ONLY and AGENCY_ONLY mean where sums are compared (`ledger/reconciliation_totals.py`)."""
STATUSES: Final = {
    Status.OPEN: "未办",
    Status.ASSIGNED: "已指定责任人",
    Status.EXPLAINED: "已说明原因",
    Status.RESOLVED: "已了结",
    Status.CLEARED: "自行消除",
}
"""What the statuses are called."""


def category_word(comparison: str, category: Category) -> str:
    """What a category is called in a comparison."""
    one_sided = (Category.TAX_ONLY, Category.AGENCY_ONLY)
    if comparison in _ONE_SIDED and category in one_sided:
        return _ONE_SIDED[comparison][one_sided.index(category)]
    return CHINESE[category]


def month_told(pool: str, view: MonthView) -> dict[str, Any]:
    """The month's figures as one object, without its differences; amounts in yuan."""
    totals, signed = view.totals, view.state.signed
    difference = totals.difference
    return {
        "pool": pool,
        "month": f"{view.month:%Y-%m}",
        "total_difference": fen_to_yuan(difference.fen),
        "row_difference": difference.rows,
        "tax": _counts(totals.tax),
        "agency": _counts(totals.agency),
        "own": _counts(totals.own),
        "unallocated": _counts(totals.unallocated),
        "unreadable": totals.unreadable,
        "totals": [
            {
                "day": one.day.isoformat(),
                "item": KINDS[one.kind].value,
                "payment_type": TYPES[one.payment_type],
                "tax_rows": one.tax.rows,
                "tax": fen_to_yuan(one.tax.fen),
                "agency_rows": one.agency.rows,
                "agency": fen_to_yuan(one.agency.fen),
            }
            for one in totals.items
        ],
        "days": [
            {
                "day": one.day.isoformat(),
                "item": KINDS[one.kind].value,
                "tax_rows": one.tax.rows,
                "tax": fen_to_yuan(one.tax.fen),
                "ledger_rows": one.ledger.rows,
                "ledger": fen_to_yuan(one.ledger.fen),
            }
            for one in totals.days
        ],
        "categories": {
            Category.MATCHED: {"rows": totals.matched, "amount": "0.00"},
            **{
                one.category: {"rows": one.rows, "amount": fen_to_yuan(one.fen)}
                for one in view.categories
                if one.comparison == TAX_AGENCY
            },
        },
        "comparisons": [
            {
                "comparison": one.comparison,
                "category": one.category,
                "rows": one.rows,
                "amount": fen_to_yuan(one.fen),
                "open": one.open,
            }
            for one in view.categories
        ],
        "open": view.open,
        "position": view.position,
        "signed": signed
        and {
            "tax_side": signed.tax_side,
            "document": signed.document,
            "actor": signed.actor,
            "reviewer": signed.reviewer,
        },
    }


def _counts(counts: Any) -> dict[str, Any]:
    return {"rows": counts.rows, "amount": fen_to_yuan(counts.fen)}


def difference_told(one: Difference, owner: str) -> dict[str, Any]:
    """A difference as one object; every key is always there."""
    mark, by = one.mark, one.mark.resolved_by
    return {
        "id": str(one.id),
        "comparison": one.comparison,
        "category": one.category,
        "amount": fen_to_yuan(one.fen),
        "rows": one.rows,
        "status": one.status,
        "owner": owner,
        "due_on": mark.due_on.isoformat() if mark.due_on else None,
        "reason": mark.reason or one.cleared,
        "tax": _side(one.detail.get("tax"), one.tax_file, one.tax_line),
        "agency": _side(one.detail.get("agency"), one.agency_file, one.agency_line),
        "proposal": str(one.proposal) if one.proposal else None,
        "resolved_by": by and {"account": str(by[0]), "version": by[1], "topic": by[2]},
        "detail": one.detail if one.comparison != TAX_AGENCY else None,
    }


def _side(said: dict[str, Any] | None, file: str | None, line: int | None) -> dict[str, Any] | None:
    if not said or file is None:
        return None
    told = {key: value for key, value in said.items() if key != "fen"}
    return {**told, **({"amount": fen_to_yuan(said["fen"])} if "fen" in said else {}), "file": file, "line": line}
