"""Forms of a pool's plans, made from what is recorded: the plan, its roster's rows, the payer, the register."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from ledger import clock
from ledger.forms.filing import filing_form
from ledger.forms.payment import arrival_letter, payment_notice, receivable
from ledger.forms.plan_text import plan_text
from ledger.forms.rosters import roster_form
from ledger.forms.rules import NAMES, ROSTERS, FormRule, choose_roster, not_ready, read_forms
from ledger.forms.sheet import Form, Named, Organisation, Papers, Place
from ledger.forms.summary import VillageSum, summary_form
from ledger.plan import RosterOfPlan, Standing, SubsidyPlan
from ledger.plan_events import SubsidyAllocated
from ledger.plan_steps import MATTER_OF
from ledger.procedure import Procedure, read_procedures
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.roster import Row
from ledger.store.divisions import Divisions
from ledger.store.donors import Donors
from ledger.store.holders import by_division, open_holders
from ledger.store.log import PoolLog
from ledger.store.payers import PERSON, Payers
from ledger.store.plans import Plans
from ledger.store.register import Register

_MAKERS: Final[Mapping[str, Callable[[Papers], Form | Refusal]]] = {
    "declaration_form": roster_form,
    "list_of_names": roster_form,
    "filing_form": filing_form,
    "plan_text": plan_text,
    "payment_notice": payment_notice,
    "receivable": receivable,
    "arrival_letter": arrival_letter,
}
"""What makes each form but the summary, which may go over many plans."""


class PlanForms:
    """The forms of one pool, for whoever prints one."""

    def __init__(self, log: PoolLog, register: Register) -> None:
        self._log, self._register = log, register
        self._plans = Plans(log)
        region = log.rules().region
        self._forms, self._chains = read_forms(region), read_procedures(region)

    def form(self, plan: UUID, name: str, roster: str = "", *, blank: int = 0) -> Form:
        """A form of one plan; with `blank` rows an empty one.

        Raises `Refused`: PLAN_UNKNOWN, FORM_UNKNOWN, ROSTER_STATE, STEP_ORDER, FILING.
        """
        state = self._plans.find(plan)
        if state is None:
            raise Refused(refuse(Reason.PLAN_UNKNOWN, plan))
        rule, chain = self._rule(name, state)
        if name == "summary" and not roster and not blank:
            ready = [one for one in state.rosters if _counts(rule, state, one, chain)]
            if not ready:
                raise Refused(_none_ready(rule, state, chain))
            return self._summary(rule, ready, f"方案 {plan}", "")
        chosen = None if blank else choose_roster(rule, state, roster, chain)
        if isinstance(chosen, Refusal):
            raise Refused(chosen)
        if blank and not rule.empty:
            raise Refused(refuse(Reason.FORM_UNKNOWN, f"空白{NAMES[name]}", rule=f"{NAMES[name]}由系统填写，没有空表"))
        if name == "summary":
            assert chosen is not None
            return self._summary(rule, [chosen], f"方案 {plan}　名册 {chosen.roster}", "")
        made = _MAKERS[name](self._papers(rule, plan, state, chosen, chain, blank))
        if isinstance(made, Refusal):
            raise Refused(made)
        return made

    def summary(self, year: int) -> Form:
        """The summary of a year over all plans. Raises `Refused`: FORM_UNKNOWN, ROSTER_STATE."""
        rule = self._forms.rule("summary", "subsidy")
        if isinstance(rule, Refusal):
            raise Refused(rule)
        ready = []
        for listed in self._plans.listed():
            if listed.year > year or (state := self._plans.find(listed.plan)) is None:
                continue
            chain = self._chains[MATTER_OF[state.drafted.kind]]
            ready += [one for one in state.rosters if one.year == year and _counts(rule, state, one, chain)]
        if not ready:
            needed = "汇总表汇总已复核的名册"
            raise Refused(refuse(Reason.ROSTER_STATE, f"{year}年度没有已复核的名册", rule=needed, clause=rule.citation))
        return self._summary(rule, ready, f"{year}年度　名册{len(ready)}份", f"补助年度：{year}年")

    def _rule(self, name: str, state: SubsidyPlan) -> tuple[FormRule, Procedure]:
        matter = MATTER_OF[state.drafted.kind]
        rule = self._forms.rule(name, matter)
        if isinstance(rule, Refusal):
            raise Refused(rule)
        return rule, self._chains[matter]

    def _summary(self, rule: FormRule, rosters: list[RosterOfPlan], trace: str, above: str) -> Form:
        names = Divisions(self._log).names()
        sums = [
            VillageSum(names.get(code.rpartition(".")[0], ""), names.get(code, code), persons, fen)
            for code, persons, fen in by_division(self._register, [one.roster for one in rosters])
        ]
        return summary_form(rule, sums, clock.today(), trace, above)

    def _papers(
        self, rule: FormRule, plan: UUID, state: SubsidyPlan, roster: RosterOfPlan | None, chain: Procedure, blank: int
    ) -> Papers:
        known = Payers(self._log).find(state.drafted.payer)
        assert known is not None
        (payer,) = Donors(self._register).named([known])
        rows = self._plans.rows(roster.roster) if roster else []
        return Papers(
            rule=rule,
            plan=plan,
            state=state,
            organisation=Organisation(
                payer.code, payer.name, payer.village_number, payer.tax_number, payer.social_code, payer.kind == PERSON
            ),
            place=self._place(state.drafted.village),
            today=clock.today(),
            roster=roster,
            people=self._people(rows) if rule.name in ROSTERS else (),
            amounts=tuple(row.fen for row in rows),
            lines=tuple(row.line for row in rows),
            allocation=self._allocation(plan, roster),
            payment_clause=_payment_clause(chain),
            blank=blank,
        )

    def _people(self, rows: list[Row]) -> tuple[Named, ...]:
        holders = open_holders(self._register, {row.account for row in rows})
        return tuple(Named(*holders[row.account], row.fen) for row in rows)

    def _allocation(self, plan: UUID, roster: RosterOfPlan | None) -> SubsidyAllocated | None:
        if roster is None or roster.standing is not Standing.ALLOCATED:
            return None
        events = (one for one in self._plans.events(plan) if isinstance(one, SubsidyAllocated))
        return next((one for one in events if one.roster == roster.roster), None)

    def _place(self, village: str) -> Place:
        names = Divisions(self._log).names()
        township = village.rpartition(".")[0]
        return Place(*(names.get(code, "") for code in (township.rpartition(".")[0], township, village)))


def _payment_clause(chain: Procedure) -> str:
    """How the money is paid, in the text's own words; nothing where no text says it."""
    paid = chain.steps.get("paid")
    return f"{paid.rests_on}（{paid.citation}）" if paid and paid.confidence == "stated" else ""


def _counts(rule: FormRule, state: SubsidyPlan, roster: RosterOfPlan, chain: Procedure) -> bool:
    """Whether a roster goes into a summary: it is reviewed, and was not returned after that."""
    return roster.standing is not Standing.RETURNED and not_ready(rule, state, roster, chain) is None


def _none_ready(rule: FormRule, state: SubsidyPlan, chain: Procedure) -> Refusal:
    """Why no roster of a plan goes into its summary: the first that is not ready, or that there is none."""
    for roster in state.rosters:
        if roster.standing is not Standing.RETURNED and (lacking := not_ready(rule, state, roster, chain)):
            return lacking
    chosen = choose_roster(rule, state, "", chain)
    assert isinstance(chosen, Refusal)
    return chosen
