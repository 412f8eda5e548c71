"""The procedure of a region as data: which step follows which, who takes it, on what evidence, until when.

Each region's chains stand in `ledger/rules/procedures/<region>.toml`; what differs between regions differs there.
Whether a step may be taken is one decision over the steps taken so far. Dates are business dates; periods count working
days from the day after their beginning.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from ledger.refusals import Reason, Refusal, first, refuse
from ledger.region_rules import CONFIDENCE, NOT_WRITTEN, SHIPPED
from ledger.working_days import due

_DAY: Final = timedelta(days=1)
MATTERS: Final = {"subsidy": "集体补助", "aid": "社会资助", "suspension": "暂停补助", "resumption": "恢复补助"}
OBJECTS: Final = {"plan": "方案", "roster": "名册", "payment": "缴费"}
ACTORS: Final = {
    "organisation": "集体经济组织",
    "party_organisation": "集体经济党组织",
    "assembly": "成员（代表）会议",
    "donor": "资助人",
    "township": "乡镇（街道）",
    "township_assets_office": "镇（街道）三资办",
    "county_agency": "县级社保经办机构",
    "county_approval": "县级核定部门",
    "county_hr": "县级人社部门",
    "county_rural_affairs": "县级农业农村部门",
    "tax": "税务部门",
}
DOES: Final = {"": "", "declare": "申报名册", "review": "复核名册，占用账户额度", "allocate": "名册款项记入个人账户"}
EVIDENCE: Final = {
    "minutes": "会议记录",
    "votes": "表决结果",
    "plan_text": "实施方案",
    "list_of_names": "补助名单",
    "declaration_form": "申报表",
    "application": "盖章同意的申请",
    "check_record": "核查记录",
    "publicity_record": "公示材料",
    "payer_number": "集体补助村编号",
    "payment_notice": "缴费通知单",
    "receivable": "应收核定单",
    "tax_voucher": "电子税票",
    "tax_receipt": "完税证明",
    "bank_voucher": "缴存凭证",
    "arrival_letter": "到账函",
    "collection_figures": "征缴统计",
}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a matter: its object, who takes it, the evidence it needs, and where that is written.

    `after` are the steps that must have been taken, `apart_from` those whose person may not take this one. It stays
    public for `public_days` before anything follows; it is due `within` working days after the last of `after`, late
    where not, and may not be taken after `until` (MM-DD of the plan's year). `does` says what it does to a roster
    besides: `declare` it, `review` it (it takes its room under the cap), `allocate` its money to the accounts.
    """

    matter: str
    name: str
    title: str
    object: str
    actor: str
    evidence: tuple[str, ...]
    clause: str
    rests_on: str
    confidence: str = "stated"
    after: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    public_days: int = 0
    within: int = 0
    until: str = ""
    does: str = ""
    document: str = ""

    @property
    def is_notice(self) -> bool:
        """Whether it issues the 缴费通知单: its roster's rows are receivables from then on."""
        return self.object == "roster" and "payment_notice" in self.evidence

    @property
    def citation(self) -> str:
        """Document and clause, and how sure that is where the text does not say it."""
        quoted = self.document if "〔" in self.document else f"《{self.document}》"
        told = f"{quoted}{self.clause}"
        return told if self.confidence == "stated" else f"{told}（{CONFIDENCE[self.confidence]}）"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: str
    document: str
    valid_from: int
    checked_on: date
    step: tuple[Step, ...]


class Taken(NamedTuple):
    """A step that was taken: on which day, by whom."""

    name: str
    on: date
    person: str


class Attempt(NamedTuple):
    """A step somebody wants to take: on which day, who it is, for whom they act, with which evidence."""

    name: str
    on: date
    person: str
    actor: str
    evidence: Collection[str] = ()


class Went(NamedTuple):
    """A step that may be taken: late where it was due before, provisional where the calendar is not published yet."""

    step: Step
    due_on: date | None
    late: bool
    provisional: bool


class Next(NamedTuple):
    """A step that is open: from which day it may be taken, and until when it is due."""

    step: Step
    from_day: date | None
    until: date | None


class Procedure:
    """The chain of one matter in one region, from a year on."""

    def __init__(self, region: str, matter: str, valid_from: int, steps: Iterable[Step]) -> None:
        self.region = region
        self.matter = matter
        self.valid_from = valid_from
        self.steps: Mapping[str, Step] = {step.name: step for step in steps}

    def take(self, attempt: Attempt, taken: Sequence[Taken], year: int, today: date) -> Went | Refusal:
        """Whether a step may be taken now, in a plan of `year`.

        Reasons: PERIOD, STEP_UNKNOWN, STEP_ACTOR, SAME_PERSON, STEP_TAKEN, STEP_ORDER, EVIDENCE, DATE, STEP_TOO_EARLY,
        STEP_TOO_LATE; those about a step cite its own clause.
        """
        if year < self.valid_from:
            return refuse(Reason.PERIOD, f"{year}年度", rule=f"本地区的办理流程自{self.valid_from}年度起施行")
        step = self.steps.get(attempt.name)
        if step is None:
            known = "、".join(f"{one.name}（{one.title}）" for one in self.steps.values())
            rule = f"{MATTERS[self.matter]}的步骤为：{known}"
            return refuse(Reason.STEP_UNKNOWN, attempt.name, rule=rule)
        done = {one.name: one for one in taken}
        before = [done[name] for name in step.after if name in done]
        fault = first(
            self._out_of_order(step, done),
            _wrong_hands(step, attempt, done),
            _without_evidence(step, attempt.evidence),
            _badly_dated(step, attempt.on, before, year, today),
            self._too_early(step, attempt.on, before),
        )
        if fault is not None:
            return fault
        due_on, provisional = _due(step, before)
        return Went(step, due_on, late=due_on is not None and attempt.on > due_on, provisional=provisional)

    def open(self, taken: Sequence[Taken], year: int) -> list[Next]:
        """The steps that may be taken next, in the chain's order."""
        done = {one.name: one for one in taken}
        return [
            self._next(step, [done[name] for name in step.after], year)
            for step in self.steps.values()
            if step.name not in done and all(name in done for name in step.after)
        ]

    def _next(self, step: Step, before: list[Taken], year: int) -> Next:
        public = [self._public_until(one) + _DAY for one in before if self.steps[one.name].public_days]
        earliest = max([*(one.on for one in before), *public], default=None)
        until = _last_day(step, year) or _due(step, before)[0]
        return Next(step, earliest, until)

    def _public_until(self, taken: Taken) -> date:
        return due(taken.on, self.steps[taken.name].public_days).day

    def _out_of_order(self, step: Step, done: Mapping[str, Taken]) -> Refusal | None:
        if step.name in done:
            value = f"{step.title}已于{done[step.name].on.isoformat()}办理"
            return refuse(Reason.STEP_TAKEN, value, clause=step.citation)
        missing = [self.steps[name] for name in step.after if name not in done]
        if not missing:
            return None
        rule = f"须先办理：{'、'.join(f'{one.title}（{one.citation}）' for one in missing)}"
        remedy = f"由{'、'.join(dict.fromkeys(ACTORS[one.actor] for one in missing))}先办理所缺步骤"
        return refuse(Reason.STEP_ORDER, step.title, rule=rule, clause=step.citation, remedy=remedy)

    def _too_early(self, step: Step, on: date, before: list[Taken]) -> Refusal | None:
        for one in before:
            public = self.steps[one.name]
            if public.public_days and on <= (last := self._public_until(one)):
                rule = f"{public.title}自{one.on.isoformat()}起须满{public.public_days}个工作日（至{last.isoformat()}）"
                value = f"{on.isoformat()} {step.title}"
                return refuse(Reason.STEP_TOO_EARLY, value, rule=rule, clause=public.citation)
        return None


def _wrong_hands(step: Step, attempt: Attempt, done: Mapping[str, Taken]) -> Refusal | None:
    if attempt.actor != step.actor:
        rule = f"{step.title}由{ACTORS[step.actor]}办理"
        return refuse(
            Reason.STEP_ACTOR, ACTORS.get(attempt.actor, attempt.actor or "（空）"), rule=rule, clause=step.citation
        )
    for name in step.apart_from:
        if name in done and done[name].person == attempt.person:
            rule = f"{step.title}须由未办理前一环节的人办理"
            return refuse(Reason.SAME_PERSON, attempt.person, rule=rule, clause=step.citation)
    return None


def _without_evidence(step: Step, given: Collection[str]) -> Refusal | None:
    if unknown := [name for name in given if name not in EVIDENCE]:
        rule = f"材料名称须为其中之一：{'、'.join(EVIDENCE)}"
        return refuse(Reason.EVIDENCE, "、".join(unknown), rule=rule, clause=step.citation)
    missing = [EVIDENCE[name] for name in step.evidence if name not in given]
    if not missing:
        return None
    return refuse(
        Reason.EVIDENCE, f"缺{'、'.join(missing)}", rule=f"{step.title}须附材料", clause=step.citation,
        remedy=f"补齐{'、'.join(missing)}后重办",
    )  # fmt: skip


def _badly_dated(step: Step, on: date, before: list[Taken], year: int, today: date) -> Refusal | None:
    if on > today:
        return refuse(Reason.DATE, on.isoformat(), rule="办理日期不得晚于今日", clause=step.citation)
    last = max(before, key=lambda one: one.on, default=None)
    if last is not None and on < last.on:
        rule = f"办理日期不得早于前一步骤（{last.on.isoformat()}）"
        return refuse(Reason.DATE, on.isoformat(), rule=rule, clause=step.citation)
    end = _last_day(step, year)
    if end is not None and on > end:
        rule = f"{step.title}须于{end.isoformat()}前办理"
        remedy = "列入下一年度的方案办理"
        return refuse(Reason.STEP_TOO_LATE, on.isoformat(), rule=rule, clause=step.citation, remedy=remedy)
    return None


def _due(step: Step, before: list[Taken]) -> tuple[date | None, bool]:
    if not step.within or not before:
        return None, False
    told = due(max(one.on for one in before), step.within)
    return told.day, told.provisional


def _last_day(step: Step, year: int) -> date | None:
    if not step.until:
        return None
    month, day = step.until.split("-")
    return date(year, int(month), int(day))


def read_procedures(region: str, folder: Path = SHIPPED) -> Mapping[str, Procedure]:
    """The region's chains by matter, checked; a process reads the shipped ones once.

    Raises LookupError without a file, ValueError for a fault in it.
    """
    return _shipped(region) if folder == SHIPPED else _read(region, folder)


@cache
def _shipped(region: str) -> Mapping[str, Procedure]:
    return _read(region, SHIPPED)


def _read(region: str, folder: Path) -> Mapping[str, Procedure]:
    path = folder / "procedures" / f"{region}.toml"
    if not path.is_file():
        raise LookupError(f"没有地区 {region} 的办理流程")
    file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    if file.region != region or not file.document or file.document == NOT_WRITTEN:
        raise ValueError(f"{path.name}: a procedure names its region and the document it rests on")
    steps = [
        msgspec.structs.replace(step, document=step.document or file.document)
        for step in file.step
    ]  # fmt: skip
    chains: dict[str, list[Step]] = {}
    for step in steps:
        if fault := _fault(step, chains.setdefault(step.matter, []), file.valid_from):
            raise ValueError(f"{path.name}: {step.matter} {step.name}: {fault}")
        chains[step.matter].append(step)
    return {matter: Procedure(region, matter, file.valid_from, chain) for matter, chain in chains.items()}


def _fault(step: Step, earlier: Sequence[Step], year: int) -> str | None:
    """What is wrong with a step behind the earlier ones of its matter, in the first year in which it holds."""
    names = {one.name for one in earlier}
    words: list[tuple[Any, Mapping[str, str]]] = [
        (step.matter, MATTERS), (step.object, OBJECTS), (step.actor, ACTORS), (step.confidence, CONFIDENCE),
        (step.does, DOES),
        *((name, EVIDENCE) for name in step.evidence),
    ]  # fmt: skip
    for word, known in words:
        if word not in known:
            return f"{word!r} is none of {', '.join(known)}"
    if step.name in names:
        return "it stands there twice"
    if unknown := [name for name in (*step.after, *step.apart_from) if name not in names]:
        return f"{', '.join(unknown)} does not stand before it"
    if not all(text.strip() for text in (step.title, step.clause, step.rests_on)):
        return "title, clause and what it rests on must be said"
    if step.does and step.object == "plan":
        return "it does something to a roster and is a step of the plan"
    if min(step.public_days, step.within) < 0 or (step.within and not step.after):
        return "a period counts from a step before it"
    try:
        _last_day(step, year)
    except ValueError:
        return f"{step.until!r} is no day of a year (MM-DD)"
    return None
