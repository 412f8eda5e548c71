"""Which forms a region has, from which step on, and how sure their wording is: data in `ledger/rules/forms/`.

A form that the region's text prints keeps its title, columns, signature lines and instructions word for word. Where
the text only names a form, or its columns are lost, the form says on itself that it, or its columns, are ours.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import msgspec

from ledger.identity import squeezed
from ledger.plan import STANDING, RosterOfPlan, Standing, SubsidyPlan
from ledger.plan_steps import MATTER_OF
from ledger.procedure import ACTORS, MATTERS, Procedure
from ledger.refusals import Reason, Refusal, refuse
from ledger.region_rules import SHIPPED

NAMES: Final = {
    "declaration_form": "申报表",
    "summary": "汇总表",
    "filing_form": "备案表",
    "plan_text": "实施方案",
    "list_of_names": "名册",
    "payment_notice": "缴费通知单",
    "receivable": "应收核定单",
    "arrival_letter": "到账函",
}
"""Every form there is; what a step's evidence is called, it is called here."""
WITHOUT_ROSTER: Final = frozenset({"plan_text"})
"""Forms that say nothing of a roster."""
STANDINGS: Final = {
    "official": "",
    "columns_ours": "注：所据文件的公开文本未载本表栏目，表中各列为本系统自拟列。",
    "ours": "注：所据文件未附本表表样，本表为本系统自拟。",
}
"""How far a form is the text's own, and what it says of that on itself."""
TOTAL: Final = "合计："
"""Begins the line below a list that is ours which says what it comes to."""


class FormRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form of a region: for which matters, its title and lines, and the steps of the roster that come before it.

    `{kind}`, `{payer}` (an organisation), `{donor}` (a person), `{place}`, `{township}`, `{village}`, `{year}` and
    `{today}` in title and lines are filled in; `|` in a line sets its parts side by side. `empty`: it may be printed
    blank, to be filled in by the village.
    """

    name: str
    matters: tuple[str, ...]
    title: str
    standing: str
    clause: str
    rests_on: str
    after: tuple[str, ...] = ()
    empty: bool = False
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    document: str = ""

    @property
    def citation(self) -> str:
        """Document and clause."""
        return f"{_quoted(self.document)}{self.clause}"

    @property
    def closing(self) -> tuple[str, ...]:
        """The notes at its foot: its own, and the one that says what of it is ours."""
        return (*self.notes, *filter(None, (STANDINGS[self.standing],)))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: str
    document: str
    checked_on: date
    form: tuple[FormRule, ...]


@dataclass(frozen=True)
class RegionForms:
    """The forms of one region by name, and the document they rest on."""

    document: str
    forms: Mapping[str, FormRule]

    def rule(self, name: str, matter: str) -> FormRule | Refusal:
        """The form as the region has it for a matter. Reasons: FORM_UNKNOWN."""
        known = self.forms.get(name)
        if known is not None and matter in known.matters:
            return known
        have = "、".join(NAMES[one.name] for one in self.forms.values() if matter in one.matters)
        rule = f"本地区的文件和办理流程没有该表；{MATTERS[matter]}的表有：{have or '（无）'}"
        return refuse(Reason.FORM_UNKNOWN, NAMES[name], rule=rule, clause=_quoted(self.document))

    def is_own_line(self, cells: Iterable[str]) -> bool:
        """Whether a row below a roster's header is one of the form's own lines, and so nobody's row.

        It begins with a signature line or a note of the region's rosters, and all else in it does too, or is a date.
        A row that holds anything else (a name, a number, an amount) is a person's row, whatever else stands in it.
        """
        said = [cell for cell in cells if cell]
        if not said or not squeezed(said[0]).startswith(self.openings):
            return False
        rest = [squeezed(cell) for cell in said[1:]]
        return all(cell.startswith(self.openings) or _DATE.fullmatch(cell) for cell in rest)

    @cached_property
    def openings(self) -> tuple[str, ...]:
        """By what the lines below the region's rosters are known again."""
        rosters = [one for one in self.forms.values() if one.name in ROSTERS]
        lines = [line for one in rosters for line in (*one.below, *one.closing)]
        return (opening(TOTAL), *(opening(part) for line in lines for part in line.split("|")))


_DATE: Final = re.compile(r"[0-9]*年[0-9]*月[0-9]*日")
ROSTERS: Final = frozenset({"declaration_form", "list_of_names"})
"""Forms whose rows are persons: printed by us, filled in by a village, read back."""


def opening(line: str) -> str:
    """By what a line of a form is known again, however it was filled in: its beginning, up to its first colon."""
    head, colon, _ = squeezed(line).partition(squeezed("："))
    return head + colon


def _quoted(document: str) -> str:
    return document if "〔" in document else f"《{document}》"


def read_forms(region: str, folder: Path = SHIPPED) -> RegionForms:
    """The region's forms, checked; a process reads the shipped ones once.

    Raises LookupError without a file, ValueError for a fault in it.
    """
    return _shipped(region) if folder == SHIPPED else _read(region, folder)


@cache
def _shipped(region: str) -> RegionForms:
    return _read(region, SHIPPED)


def _read(region: str, folder: Path) -> RegionForms:
    path = folder / "forms" / f"{region}.toml"
    if not path.is_file():
        raise LookupError(f"没有地区 {region} 的表格")
    file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    if file.region != region or not file.document:
        raise ValueError(f"{path.name}: forms name their region and the document they rest on")
    forms: dict[str, FormRule] = {}
    for form in file.form:
        if fault := _fault(form, forms):
            raise ValueError(f"{path.name}: {form.name}: {fault}")
        forms[form.name] = msgspec.structs.replace(form, document=form.document or file.document)
    return RegionForms(file.document, forms)


def _fault(form: FormRule, earlier: Mapping[str, FormRule]) -> str | None:
    if form.name not in NAMES or form.standing not in STANDINGS:
        return f"{form.name!r} or {form.standing!r} is unknown"
    if form.name in earlier:
        return "it stands there twice"
    if not form.matters or any(matter not in MATTERS for matter in form.matters):
        return f"its matters are {', '.join(form.matters)}"
    if not all(text.strip() for text in (form.title, form.clause, form.rests_on)):
        return "title, clause and what it rests on must be said"
    lines = [part for line in (*form.below, *form.closing) for part in line.split("|")]
    if form.name in ROSTERS and not all(opening(line).endswith(squeezed("：")) for line in lines):
        return "a line below a roster is known by what stands before its colon"
    return None


def choose_roster(rule: FormRule, state: SubsidyPlan, asked: str, chain: Procedure) -> RosterOfPlan | Refusal | None:
    """The roster a form speaks of: the one asked for, or the only one; None for a form that speaks of none.

    Reasons: ROSTER_STATE (there is none, several, or it was returned), STEP_ORDER (a step before it is not taken).
    """
    if rule.name in WITHOUT_ROSTER:
        return None
    standing = [one for one in state.rosters if one.standing is not Standing.RETURNED]
    roster = state.roster(asked) if asked else standing[0] if len(standing) == 1 else None
    if roster is None:
        value = f"名册{asked}不在本方案中" if asked else f"方案有{len(standing)}份名册"
        remedy = "以 --roster 指明名册" if standing else "先申报名册" + ("；空表以 --empty 打印" if rule.empty else "")
        return refuse(Reason.ROSTER_STATE, value, rule=f"{NAMES[rule.name]}须针对一份名册", remedy=remedy)
    if roster.standing is Standing.RETURNED:
        value = f"名册{roster.roster}{STANDING[roster.standing]}"
        return refuse(Reason.ROSTER_STATE, value, rule="退回的名册不出表", remedy="更正后重新申报")
    return not_ready(rule, state, roster, chain) or roster


def not_ready(rule: FormRule, state: SubsidyPlan, roster: RosterOfPlan, chain: Procedure) -> Refusal | None:
    """What still has to be done before a form of a roster may be printed. Reasons: STEP_ORDER."""
    done = {one.name for one in state.taken(MATTER_OF[state.drafted.kind], roster.roster)}
    missing = [chain.steps[name] for name in rule.after if name not in done]
    if not missing:
        return None
    needed = f"须先办理：{'、'.join(f'{one.title}（{one.citation}）' for one in missing)}"
    remedy = f"由{'、'.join(dict.fromkeys(ACTORS[one.actor] for one in missing))}先办理所缺步骤，再打印"
    return refuse(Reason.STEP_ORDER, NAMES[rule.name], rule=needed, clause=rule.citation, remedy=remedy)
