"""A village's plan over HTTP: whoever walks it asks the ledger what comes next, and does that."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import httpx

from api.http.plan_answers import PayerDone, Plan, PlanDone
from tests.api.cli.desk import Desk, Person
from tests.api.cli.village import BEGIN, PAYER, PLACE, YEAR
from tests.api.http.serving import Caller


class Portal:
    """A portal that knows nothing of procedures; `day` is the business date on which it stands.

    Of its hands the last one reviews, and the others take the steps by turns.
    """

    def __init__(self, caller: Caller, hands: tuple[Caller, ...]) -> None:
        self.caller = caller
        self.hands = hands
        self.day = BEGIN

    def ready(self, desk: Desk, people: tuple[Person, ...], payer: str = PAYER) -> None:
        """People with accounts who paid; the payer, its village and its roll over HTTP."""
        desk.enrol(*people)
        desk.pay(
            *(desk.payment(one, f"P{payer[-4:]}{place}", "200.00", "2025-02-10") for place, one in enumerate(people))
        )
        desk.set("cap", YEAR, "500.00")
        self.payer(people, payer)

    def payer(self, people: tuple[Person, ...], payer: str = PAYER) -> None:
        """A payer, admitted, confirmed, with these people on its roll."""
        for path, body in (
            ("/payers", paying(payer)),
            (f"/payers/{payer}/confirmation", {"tax_number": "91T", "social_code": "S1", "on": "2025-01-20"}),
            ("/admitted-villages", {"village": PLACE, "since": "2025-01-01", "document": "名单1"}),
        ):
            self.posted(path, {**body, "reviewer": "乙"})
        self.posted(f"/payers/{payer}/members", {"members": [{"name": p.name, "number": p.number} for p in people]})

    def posted(self, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        """A command that is accepted."""
        answer = self.caller.post(path, body)
        assert answer.status_code == status, answer.text
        (PlanDone if path.startswith("/plans") else PayerDone).model_validate_json(answer.text)
        return dict(answer.json())

    def plan(self, **more: object) -> str:
        """A drafted plan."""
        return str(self.posted("/plans", drafting(**more))["plan"])

    def show(self, plan: str) -> dict[str, Any]:
        """Where it stands."""
        answer = self.caller.get(f"/plans/{plan}")
        assert answer.status_code == 200, answer.text
        Plan.model_validate_json(answer.text)
        return dict(answer.json())

    def next(self, plan: str, roster: str = "") -> list[dict[str, Any]]:
        """The steps that are open: of the plan, or of one of its rosters."""
        told = self.show(plan)
        if not roster:
            return list(told["next"])
        return list(next(one for one in told["rosters"] if one["roster"] == roster)["next"])

    def body(self, step: dict[str, Any], roster: str = "", **more: object) -> dict[str, Any]:
        """The body of a step as `next` describes it, on the first working day that is allowed."""
        if step["from"]:
            self.day = max(self.day, date.fromisoformat(step["from"]))
        if self.day.isoweekday() > 5:
            self.day += timedelta(days=8 - self.day.isoweekday())
        said = {
            "step": step["step"], "on": self.day.isoformat(), "acting_for": step["acting_for"],
            "evidence": dict.fromkeys(step["evidence"], "示例1号"), **more,
        }  # fmt: skip
        return {**said, "roster": roster} if roster and step["does"] != "declare" else said

    def step(self, plan: str, step: dict[str, Any], roster: str = "", hand: int = 0, **more: object) -> httpx.Response:
        """Take a step."""
        answer = self.hands[hand].post(f"/plans/{plan}/steps", self.body(step, roster, **more))
        if answer.status_code == 201:
            PlanDone.model_validate_json(answer.text)
        return answer

    def walk(self, plan: str, does: str, roster: str = "") -> dict[str, Any]:
        """Take what is open, in order, until a step that does this is; gives that step."""
        for turn in range(40):
            steps = self.next(plan, roster)
            if found := [one for one in steps if one["does"] == does]:
                return found[0]
            answer = self.step(
                plan, next(one for one in steps if not one["does"]), roster, turn % (len(self.hands) - 1)
            )
            assert answer.status_code == 201, answer.text
        raise AssertionError(f"no step {does} came")

    def declare(self, plan: str, rows: list[dict[str, Any]], **more: object) -> httpx.Response:
        """Walk to the step that declares a roster, and declare one."""
        step = self.walk(plan, "declare")
        return self.step(plan, step, declaration={"rows": rows}, **more)

    def declared(self, people: tuple[Person, ...], **more: object) -> tuple[str, str]:
        """A plan with one declared roster of these people, 300 yuan each, at the step before its review."""
        plan = self.plan(**more)
        answer = self.declare(plan, [row(one) for one in people])
        assert answer.status_code == 201, answer.text
        roster = answer.json()["roster"]
        self.walk(plan, "review", roster)
        return plan, roster


def paying(code: str = PAYER, kind: str = "village_collective", **more: object) -> dict[str, Any]:
    """The body that registers a payer, without its reviewer."""
    return {"code": code, "kind": kind, "name": "青村股份经济合作社", "document": "备案表1号", "village": PLACE, **more}


def drafting(**more: object) -> dict[str, Any]:
    """The body that drafts a plan of 300 yuan for everybody."""
    return {
        "kind": "collective_subsidy", "payer": PAYER, "village": PLACE, "year": YEAR, "covered": "本集体经济组织成员",
        "standard": {"flat": "300.00"}, "sources": [{"name": "集体经济收益", "amount": "3000000.00"}], **more,
    }  # fmt: skip


def row(who: Person, amount: str = "300.00", **more: object) -> dict[str, Any]:
    """One row of a roster."""
    return {
        "name": who.name, "sex": SEXES[who.sex], "number": who.number, "amount": amount, "kind": "collective_subsidy",
        **more,
    }  # fmt: skip


SEXES: Final = {"男": "male", "女": "female"}
