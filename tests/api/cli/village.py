"""A village that subsidises its members, at a desk of any region: people, a payer, a plan, and its way through."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from ledger.account_events import AidEvent, EntryReversed
from ledger.desk.plan_commands import TakeStep
from ledger.desk.plans import PlanDesk
from ledger.late_money import Origin
from ledger.plan_steps import who_is_next
from ledger.procedure import read_procedures
from ledger.store.divisions import Divisions
from ledger.store.payers import Payer, Payers, Period
from ledger.store.plans import Plans
from tests.api.cli.desk import Cells, Desk, Ended, Person, person

PAYER: Final = "N2150781MF0000005R"
DONOR: Final = "91350100M000100Y43"
ROSTER: Final = ("序号", "姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型")
YEAR: Final = 2025
PLACE: Final = "青县/青镇/青村"
BEGIN: Final = date(YEAR, 3, 3)
TWO: Final = Origin("甲", "乙")
PEOPLE: Final = tuple(person(300 + place) for place in range(6))


class Village:
    """People with accounts who paid for the year, the payer with its roll, and plans."""

    ready: UUID
    """A plan that waits for its rosters, where a test has made one."""

    def __init__(self, desk: Desk, people: tuple[Person, ...] = PEOPLE, *, cap: str = "3000.00") -> None:
        self.desk, self.people = desk, people
        self.day = BEGIN
        self.plans, self.payers = PlanDesk(desk.log, desk.register), Payers(desk.log)
        desk.enrol(*people)
        desk.pay(*(desk.payment(one, f"P{place}", "200.00", "2025-02-10") for place, one in enumerate(people)))
        if cap:
            desk.set("cap", YEAR, cap)
        self.register()

    # -- the payer ------------------------------------------------------------------------------------------------

    def register(self, code: str = PAYER, kind: str = "village_collective") -> None:
        """A payer, admitted, confirmed by tax, with everybody on its roll. `test_payers` drives the commands for it."""
        village = Divisions(self.desk.log).find(PLACE)
        assert village is not None
        payer = Payer(code, kind, "青村股份经济合作社", village, "JT0001", "91T", "S1", date(2025, 1, 20), "备案表1号")
        self.payers.write(payer, TWO)
        self.payers.admit(village, date(2025, 1, 1), None, "名单1", TWO)
        self.enrol_members(*self.people, code=code)

    def enrol_members(self, *people: Person, code: str = PAYER) -> None:
        """Put people on the payer's roll."""
        holders = self.desk.register.find([self.desk.register.digest(one.number) for one in people])
        everybody = (Period(one.participant, code, date(1900, 1, 1), None) for one in holders.values())
        self.payers.write_members(everybody, TWO)

    def status(self, who: Person, status: str, since: str = "2025-01-01", until: str = "") -> None:
        """Bring a person's status."""
        row = {"姓名": who.name, "公民身份号码": who.number, "状态": status, "起": since, "止": until}
        file = self.desk.table("status.csv", [row], tuple(row))
        self.desk.prepare("import", "status", file, "--pool", self.desk.code, "--actor", "甲")

    # -- plans ----------------------------------------------------------------------------------------------------

    def draft(self, *more: object, code: int = 0, payer: str = PAYER, year: int = YEAR, **said: object) -> Ended:
        """`plan draft` with a flat standard of 300 yuan, unless another one is said."""
        standard = () if any(word in more for word in ("--flat", "--tier", "--share", "--aid")) else ("--flat", "300")
        sources = () if "--source" in more else ("--source", "集体经济收益=200000000.00")
        group = "aid" if "--aid" in more else "plan"
        more = tuple(word for word in more if word != "--aid")
        ended = self.desk.inside(
            group, "draft", "--pool", self.desk.code, "--payer", payer, "--year", year, "--village",
            said.get("village", PLACE), "--covered", "本集体经济组织成员", "--actor", said.get("actor", "甲"), "--json",
            *standard, *sources, *more,
        )  # fmt: skip
        assert ended.code == code, ended
        return ended

    def plan(self, *more: object, **said: Any) -> UUID:
        """A drafted plan's id."""
        return UUID(self.draft(*more, **said).json["plan"])

    def show(self, plan: UUID) -> Any:
        """Where the plan stands."""
        return self.desk.inside("plan", "show", "--pool", self.desk.code, "--plan", plan, "--json").json

    def next(self, plan: UUID | str, roster: str = "") -> dict[str, Any]:
        """The steps that may be taken next, by name; those of a roster where one is named. Read without a command."""
        state = Plans(self.desk.log).find(UUID(str(plan)))
        assert state is not None
        return {str(one["step"]): one for one in who_is_next(state, read_procedures(self.desk.region), roster)}

    def step(
        self, plan: UUID, name: str, *more: object, roster: str = "", actor: str = "甲", on: date | None = None,
        outside: bool = False, **said: Any,
    ) -> Ended:  # fmt: skip
        """`plan step`, by the right hands and with the right papers unless others are said."""
        open_now = {**self.next(plan), **(self.next(plan, roster) if roster else {})}
        known = open_now.get(name, {"acting_for": "organisation", "evidence": []})
        papers = said.get("evidence", known["evidence"])
        way = self.desk.ledger if outside else self.desk.inside
        return way(
            "plan", "step", "--pool", self.desk.code, "--plan", plan, "--step", name, "--on", on or self.day,
            "--for", said.get("acting_for", known["acting_for"]), "--actor", actor, "--json",
            *(("--roster", roster) if roster else ()),
            *(word for one in papers for word in ("--evidence", f"{one}=示例")),
            *more,
        )  # fmt: skip

    def walk(self, plan: UUID | str, until: str, roster: str = "") -> None:
        """Take every step that is open, in order, until one of this name is; by turns, and without the command."""
        which = UUID(str(plan))
        for turn in range(40):
            steps = self.next(which, roster)
            if until in steps:
                self._wait(steps[until])
                return
            name, step = next((name, one) for name, one in steps.items() if not one["does"])
            self._wait(step)
            self.plans.do(
                TakeStep(
                    actor=f"经办{turn % 7}", command_id=uuid4(), plan=which, step=name, on=self.day,
                    acting_for=step["acting_for"], evidence=dict.fromkeys(step["evidence"], "示例"), roster=roster,
                )
            )  # fmt: skip
        raise AssertionError(f"{until} never came")

    def _wait(self, step: dict[str, Any]) -> None:
        if step["from"]:
            self.day = max(self.day, date.fromisoformat(step["from"]))
        if self.day.isoweekday() > 5:
            self.day += timedelta(days=8 - self.day.isoweekday())

    # -- rosters --------------------------------------------------------------------------------------------------

    def row(self, who: Person, yuan: str = "300.00", **cells: object) -> Cells:
        """One row of a roster."""
        plain = {"姓名": who.name, "性别": who.sex, "公民身份号码": who.number, "补助金（资助）金额": yuan,
                 "补助或资助类型": "集体补助"}  # fmt: skip
        return {**plain, **cells}

    def roster(self, *rows: Cells, name: str = "roster.csv") -> Any:
        """A roster's file."""
        numbered = [{"序号": place, **row} for place, row in enumerate(rows, 1)]
        return self.desk.table(name, numbered, ROSTER)

    def declare(self, plan: UUID, *rows: Cells, name: str = "roster.csv", code: int | None = 0, **said: Any) -> Ended:
        """Declare a roster at whichever step declares one; any end will do where none is said."""
        step = next(one["step"] for one in self.next(plan).values() if one["does"] == "declare")
        ended = self.step(plan, step, "--file", self.roster(*rows, name=name), *said.pop("more", ()), **said)
        assert code is None or ended.code == code, ended
        return ended

    def declared(self, *more: object, rows: tuple[Cells, ...] = (), **said: Any) -> tuple[UUID, str]:
        """A plan with one declared roster of everybody, at the step before its review."""
        plan = self.plan(*more, **said)
        self.walk(plan, DECLARING[self.desk.region])
        roster = self.declare(plan, *(rows or tuple(self.row(one) for one in self.people))).json["roster"]
        self.walk(plan, REVIEWING[self.desk.region], roster)
        return plan, roster

    def review(self, plan: UUID, roster: str, *more: object, **said: Any) -> Ended:
        """Review it."""
        return self.step(plan, REVIEWING[self.desk.region], *more, roster=roster, actor="乙", **said)

    def reviewed(self, *more: object, rows: tuple[Cells, ...] = (), **said: Any) -> tuple[UUID, str]:
        """A plan with one reviewed roster."""
        plan, roster = self.declared(*more, rows=rows, **said)
        ended = self.review(plan, roster)
        assert ended.code == 0, ended
        return plan, roster

    def reverse_last_aid(self, who: Person) -> None:
        """Reverse the last aid that still stands on a person's account, if there is any."""
        events = self.desk.history(who)
        gone = {event.reverses for event in events if isinstance(event, EntryReversed)}
        standing = [v for v, event in enumerate(events, 1) if isinstance(event, AidEvent) and v not in gone]
        if standing:
            self.desk.prepare(
                "entry", "reverse", "--pool", self.desk.code, "--account", self.desk.account(who), "--version",
                standing[-1], "--reason", "错录", "--actor", "甲", "--reviewer", "乙",
            )  # fmt: skip

    def declared_fen(self, who: Person) -> int:
        """The room that rosters hold on a person's account."""
        return sum(one.fen for one in self.desk.state(who).declarations)


DECLARING: Final = {"neimenggu": "declared", "ningxia": "declared", "panzhihua": "declared", "keqiao": "list_checked"}
REVIEWING: Final = {
    "neimenggu": "reviewed",
    "ningxia": "reviewed",
    "panzhihua": "reviewed",
    "keqiao": "township_agreed",
}
