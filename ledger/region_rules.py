"""What is in force in a region in a year: the rules we ship, and the values an operator entered with a document.

Methods (from which month money earns, how interest is rounded) have dated defaults in `ledger/rules/*.toml`, the
region's own file before the national one. Figures (crediting rates, caps) are never shipped: they are events of the
stream `RegionRules`, each with year, document, actor and reviewer, and the decision that needs a missing one is
refused. A method value holds from its year on; a figure holds for its own year alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import ClassVar, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from ledger.interest import Rate, Terms
from ledger.money import MoneyFault, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.words import MoneyKind

SHIPPED: Final = Path(str(resources.files("ledger"))) / "rules"
REGIONS: Final = ("neimenggu", "ningxia", "panzhihua", "keqiao")


class RuleEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event of a pool's rules says."""

    topic: ClassVar[str]
    class_version: ClassVar[int] = 1

    actor: str
    reviewer: str = ""


class PoolOpened(RuleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """统筹区 set up: its name and the region whose rules it follows."""

    topic: ClassVar[str] = "rules.pool_opened"

    code: str
    name: str
    region: str


class ValueEntered(RuleEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A figure or method value of `year`, entered by two people from a published document."""

    topic: ClassVar[str] = "rules.value_entered"

    name: str
    year: int
    value: str
    document: str


RULE_EVENTS: Final[tuple[type[RuleEvent], ...]] = (PoolOpened, ValueEntered)


def rules_stream(pool: str) -> UUID:
    """The id of the one stream of rules in a pool."""
    return uuid5(NAMESPACE_URL, f"pension-ledger:rules:{pool}")


class ShippedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dated value of a rules file, with where it is written and how sure that is."""

    name: str
    value: str | int
    valid_from: int
    document: str
    clause: str
    confidence: str
    rests_on: str
    checked_on: date
    region: str = ""

    @property
    def citation(self) -> str:
        """Document and clause as a refusal or a history quotes them; what is not stated says so."""
        if self.document == NOT_WRITTEN:
            return f"所存文件未载（{CONFIDENCE[self.confidence]}）"
        quoted = (
            self.document if "〔" in self.document or self.document.startswith("本账簿") else f"《{self.document}》"
        )
        told = f"{quoted}{self.clause}"
        return told if self.confidence == "stated" else f"{told}（{CONFIDENCE[self.confidence]}）"


NOT_WRITTEN: Final = "未见文件"
"""The document of a value that no stored text states: a house default."""
CONFIDENCE: Final = {"stated": "文本载明", "inferred": "推定", "assumed": "假定"}


class RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rules file as it is written."""

    region: str
    title: str
    version: str
    value: tuple[ShippedValue, ...]


def _choice(*allowed: str) -> Callable[[str], bool]:
    return lambda text: text in allowed


def _whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _yuan(text: str) -> bool:
    try:
        return yuan_to_fen(text) > 0
    except MoneyFault:
        return False


_SHARE: Final = re.compile(r"0(\.[0-9]{1,8})?")


def is_share(text: str) -> bool:
    """A share of one with at most eight decimals: 0.0262 is 2.62 %; 2.62 would be 262 % and is a slip."""
    return _SHARE.fullmatch(text) is not None


def _span(text: str) -> bool:
    """Two amounts in yuan, the lower first: 200.00-600.00."""
    least, dash, most = text.partition("-")
    return bool(dash) and _yuan(least) and _yuan(most) and yuan_to_fen(least) <= yuan_to_fen(most)


PAYER_KINDS: Final = {
    "village_collective": "村集体经济组织",
    "community_welfare": "社区公益事业组织",
    "villager_group": "村民小组",
}
"""Who may pay a collective subsidy, by the word of the rules."""

METHODS: Final[dict[str, Callable[[str], bool]]] = {
    **{f"interest.start_month.{kind}": _choice("next", "same") for kind in MoneyKind if kind is not MoneyKind.INTEREST},
    "interest.debit_month": _choice("next", "same"),
    "interest.rounding": _choice("half_up", "half_even", "down", "up_to_jiao"),
    "interest.late_entries": _choice("restate", "current_year"),
    "interest.unpublished_rate": _choice("last_published", "refuse"),
    "interest.closing_month": _choice("included", "excluded"),
    "interest.settlement": _choice("after_year_end"),
    "duties.separation": _choice("handler_and_reviewer"),
    "account.minimum_age": _whole_number,
    "intake.amount_max": _yuan,
    "cap.basis": _choice("collective_and_aid", "collective"),
    "plan.standing": _choice("allowed", "yearly"),
    "plan.forbidden_source": lambda _text: True,
    "plan.payer_kinds": lambda text: bool(text) and set(text.split(",")) <= set(PAYER_KINDS),
    "plan.payer_confirmation": _choice("tax", "none"),
    "plan.admission": _choice("listed", "open"),
    "roster.members": _choice("required", "not_asked"),
    "roster.paid_this_year": _choice("required", "not_asked"),
    "roster.government_paid": _choice("counts", "left_out"),
    "roster.back_payment": _choice("counts", "left_out"),
    "roster.lump_sum": _choice("counts", "left_out"),
    "roster.pensioners": _choice("excluded", "allowed"),
    "subsidy.government_paid": _choice("counts", "left_out"),
    "roster.floor": lambda text: not text or _yuan(text),
    "roster.suggested": lambda text: not text or _span(text),
    "tax.approved_first": lambda text: set(text.split(",")) <= {"", "back_payment", *MoneyKind} - {MoneyKind.INTEREST},
    "refund.payer": _choice("agency", "tax", "either"),
    "tax.allocation_days": _whole_number,
}
FIGURES: Final[dict[str, Callable[[str], bool]]] = {"rate": is_share, "cap": _yuan}
"""Values of law the sources do not give: only an operator enters them, and each holds for its own year."""


class RegionRules:
    """The rules of one pool at one version: shipped files and entered values, looked up by name and year."""

    def __init__(self, files: Iterable[RulesFile], entered: tuple[ValueEntered, ...], version: int) -> None:
        self.files = tuple(files)
        self.entered = entered
        self.version = version
        self.region = self.files[0].region
        self._methods: dict[tuple[str, int], ShippedValue] = {}
        self._terms: dict[int, Terms] = {}

    @cached_property
    def name(self) -> str:
        """Region, file version and version of the entered values: what an event cites as its rule."""
        return f"{self.region} {self.files[0].version}#{self.version}"

    def method(self, name: str, year: int) -> ShippedValue:
        """The method value in force in `year`: entered before shipped, region before national, later before earlier."""
        found = self._methods.get((name, year))
        if found is None:
            found = self._methods[name, year] = self._find(name, year)
        return found

    def _find(self, name: str, year: int) -> ShippedValue:
        entered = [event for event in self.entered if event.name == name and event.year <= year]
        if entered:
            event = max(entered, key=lambda one: one.year)
            last = [one for one in entered if one.year == event.year][-1]
            return ShippedValue(name, last.value, last.year, last.document, "", "stated", "", date.min, self.region)
        for file in self.files:
            dated = [value for value in file.value if value.name == name and value.valid_from <= year]
            if dated:
                return max(dated, key=lambda value: value.valid_from)
        for file in reversed(self.files):  # a year before the scheme: the oldest common value, never a crash
            dated = [value for value in file.value if value.name == name]
            if dated:
                return min(dated, key=lambda value: value.valid_from)
        raise LookupError(f"no value of {name} for {year} in the rules of {self.region}")

    def text(self, name: str, year: int) -> str:
        """The method value as text."""
        return str(self.method(name, year).value)

    def citation(self, name: str, year: int) -> str:
        """Document and clause of the method value in force."""
        return self.method(name, year).citation

    def figure(self, name: str, year: int) -> ValueEntered | None:
        """The figure entered for exactly this year, the latest entry where it was corrected."""
        for event in reversed(self.entered):
            if event.name == name and event.year == year:
                return event
        return None

    def rate(self, year: int) -> Rate | None:
        """The crediting rate (记账利率) of a year."""
        return self._rates.get(year)

    @cached_property
    def _rates(self) -> dict[int, Rate]:
        return {event.year: Rate.of(event.value, event.document) for event in self.entered if event.name == "rate"}

    @cached_property
    def _caps(self) -> dict[int, int]:
        return {event.year: yuan_to_fen(event.value) for event in self.entered if event.name == "cap"}

    def terms(self, year: int) -> Terms | None:
        """On what a year is settled whole: its published rate and the rounding; None without a rate."""
        found = self._terms.get(year)
        if found is None and (rate := self.rate(year)) is not None:
            found = self._terms[year] = Terms(year, rate, self.rounding)
        return found

    def last_rate_before(self, year: int) -> Rate | None:
        """The last published rate of an earlier year."""
        years = [one for one in self._rates if one < year]
        return self._rates[max(years)] if years else None

    def cap(self, year: int) -> int | None:
        """The highest tier (最高缴费档次) of a year in fen."""
        return self._caps.get(year)

    @cached_property
    def rounding(self) -> str:
        """How a year's interest becomes whole fen. One value for all years, so a re-settlement rounds as before."""
        return self.text("interest.rounding", 9999)


def read_rules(region: str, folder: Path = SHIPPED) -> tuple[RulesFile, ...]:
    """The region's file and the national one, checked: known names, allowed values, no figure of law.

    The shipped ones are part of the program, and a process reads them once. Raises LookupError for an unknown region
    and ValueError for a fault in a file.
    """
    return _shipped(region) if folder == SHIPPED else _read(region, folder)


@cache  # every command asks for its pool's rules: to parse the files anew took 8 ms of each
def _shipped(region: str) -> tuple[RulesFile, ...]:
    return _read(region, SHIPPED)


def _read(region: str, folder: Path) -> tuple[RulesFile, ...]:
    files = []
    for name in (region, "national"):
        path = folder / f"{name}.toml"
        if not path.is_file():
            raise LookupError(f"没有地区 {name} 的规则文件")
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), RulesFile)
        for value in file.value:
            check = METHODS.get(value.name)
            if check is None:
                raise ValueError(f"{path.name}: {value.name} is no method; figures of law are entered, never shipped")
            if not check(str(value.value)):
                raise ValueError(f"{path.name}: {value.value!r} is no value of {value.name}")
            if value.confidence not in CONFIDENCE:
                raise ValueError(f"{path.name}: {value.confidence!r} is no confidence")
        files.append(msgspec.structs.replace(file, value=tuple(_of(file.region, value) for value in file.value)))
    return tuple(files)


def _of(region: str, value: ShippedValue) -> ShippedValue:
    return msgspec.structs.replace(value, region=region)


def folded_rules(events: Iterable[RuleEvent], folder: Path = SHIPPED) -> RegionRules:
    """The rules of a pool after its stream of rule events; the first says which region's files apply."""
    stream = tuple(events)
    opened = stream[0] if stream else None
    if not isinstance(opened, PoolOpened):
        raise ValueError("the rules of a pool begin with rules.pool_opened")
    entered = tuple(event for event in stream if isinstance(event, ValueEntered))
    return RegionRules(read_rules(opened.region, folder), entered, len(stream))


def enter_value(
    rules: RegionRules, event: ValueEntered, *, credited: bool, this_year: int
) -> tuple[ValueEntered, ...] | Refusal:
    """Decide whether a value may be entered. The same value again changes nothing and records nothing.

    `credited` says whether any account is credited in the year: its rate is then changed by restating, not here.
    Reasons: SAME_PERSON, PERIOD, RULE_VALUE, ALREADY_CREDITED.
    """
    check = {**METHODS, **FIGURES}.get(event.name)
    if same := same_person(rules, event.actor, event.reviewer):
        return same
    if check is None:
        names = "、".join((*FIGURES, *METHODS))
        return refuse(Reason.RULE_VALUE, event.name, rule=f"参数名称须为其中之一：{names}")
    if not rules.files[-1].value or not 1990 <= event.year <= this_year + 1:
        return refuse(Reason.PERIOD, event.year, rule="参数年度须在1990年与下一年之间")
    if not check(event.value):
        return refuse(Reason.RULE_VALUE, event.value, rule=f"{event.name} 的取值无效（利率以小数表示，如 0.0262）")
    if not event.document.strip():
        return refuse(Reason.RULE_VALUE, "（空）", rule="参数须注明依据的文号", remedy="以 --document 给出文号")
    standing = rules.figure(event.name, event.year)
    if standing and (standing.value, standing.document) == (event.value, event.document):
        return ()
    if event.name == "rate" and credited:
        return refuse(
            Reason.ALREADY_CREDITED,
            f"{event.year}年度利率 {event.value}",
            rule="已有账户按该年度利率结息，不得改动利率",
            remedy="以 interest restate 重新结息",
        )
    return (event,)


def same_person(rules: RegionRules, actor: str, reviewer: str) -> Refusal | None:
    """SAME_PERSON where handler and reviewer are one, or one of them is missing."""
    if actor.strip() and reviewer.strip() and actor.strip() != reviewer.strip():
        return None
    return refuse(
        Reason.SAME_PERSON,
        f"经办 {actor or '（空）'}、复核 {reviewer or '（空）'}",
        clause=rules.citation("duties.separation", 9999),
    )
