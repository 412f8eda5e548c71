"""Plans, payers and rosters as they are told: to whoever asks at the console, and page after page over HTTP.

A plan is folded from its own stream, as decisions read it. Amounts in yuan; no person's name, no citizen number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ledger.identity import mask_name
from ledger.money import fen_to_yuan
from ledger.plan import RosterOfPlan, SubsidyPlan
from ledger.plan_events import Standard
from ledger.plan_steps import step_title, steps_missing, who_is_next
from ledger.procedure import ACTORS, EVIDENCE, Procedure, read_procedures
from ledger.refusals import Reason, Refused, refuse
from ledger.store.divisions import Divisions
from ledger.store.donors import Donors
from ledger.store.log import PoolLog
from ledger.store.payers import PERSON, Payer
from ledger.store.plans import ListedPlan, Plans
from ledger.store.register import ERASED, Register
from projections.known import Known, resolve

Chains = Mapping[str, Procedure]


def payers_told(payers: Sequence[Payer], register: Register) -> list[dict[str, Any]]:
    """Payers as they stand; of a person the name is masked, of an erased one it says so."""
    return [
        {
            **one._asdict(),
            "name": mask_name(one.name) if one.kind == PERSON and one.name != ERASED else one.name,
            "confirmed_on": one.confirmed_on.isoformat() if one.confirmed_on else None,
        }
        for one in Donors(register).named(payers)
    ]


def payer_told(payer: Payer, register: Register) -> dict[str, Any]:
    """One of them; somebody whose registration was only tried, and has no code yet, has no name."""
    return payers_told([payer], register)[0] if payer.code else {**payer._asdict(), "confirmed_on": None}


def plan_told(plan: UUID, state: SubsidyPlan, chains: Chains) -> dict[str, Any]:
    """A plan: what it is, the steps taken, its rosters, what is missing, and who may do the next step until when.

    `next` and `missing` of the plan are its own; those of a roster stand with the roster.
    """
    drafted = state.drafted
    return {
        "plan": str(plan),
        "version": state.version,
        "status": status_of(state),
        "kind": drafted.kind.value,
        "payer": drafted.payer,
        "village": drafted.village,
        "year": drafted.year,
        "sequence": drafted.sequence,
        "standing": drafted.standing,
        "covered": drafted.covered,
        "standard": _standard(drafted.standard),
        "sources": [{"name": one.name, "amount": fen_to_yuan(one.fen), "share": one.share} for one in drafted.sources],
        "sources_total": fen_to_yuan(sum(one.fen for one in drafted.sources)),
        "received": fen_to_yuan(state.received),
        "credited": fen_to_yuan(state.credited),
        "unallocated": fen_to_yuan(state.unallocated),
        "beside_rosters": fen_to_yuan(state.beside),
        "held": [
            {
                "serial": one.serial,
                "line": one.line,
                "year": one.year,
                "amount": fen_to_yuan(one.fen),
                "reason": one.reason,
            }
            for one in state.held
        ],
        "steps": [
            {
                "step": one.taken.name,
                "title": step_title(chains, one.matter, one.taken.name),
                "on": one.taken.on.isoformat(),
                "by": one.taken.person,
                "roster": one.roster,
                "matter": one.matter,
            }
            for one in state.steps
        ],
        "rosters": [{**roster_told(one), **_to_do(state, chains, one.roster)} for one in state.rosters],
        **_to_do(state, chains),
    }


def status_of(state: SubsidyPlan) -> str:
    """`open`, `suspended` or `closed`."""
    if state.closed:
        return "closed"
    return "suspended" if state.suspended_on else "open"


def roster_told(one: RosterOfPlan) -> dict[str, Any]:
    """A roster without its rows."""
    return {
        "roster": one.roster,
        "year": one.year,
        "status": one.standing.value,
        "rows": one.rows,
        "amount": fen_to_yuan(one.fen),
        "received": fen_to_yuan(one.received),
        "credited": fen_to_yuan(one.credited),
        "unallocated": fen_to_yuan(one.unallocated),
    }


def _to_do(state: SubsidyPlan, chains: Chains, roster: str = "") -> dict[str, Any]:
    """The steps that may be taken next, with their papers, and all that are still missing."""
    following: list[dict[str, Any]] = who_is_next(state, chains, roster)
    return {
        "next": [{**one, "papers": [EVIDENCE[name] for name in one["evidence"]]} for one in following],
        "missing": [
            {"step": one.name, "title": one.title, "who": ACTORS[one.actor]}
            for one in steps_missing(state, chains, roster)
        ],
    }


def _standard(standard: Standard) -> dict[str, Any]:
    return {
        "flat": fen_to_yuan(standard.flat) if standard.flat else None,
        "tiers": [
            {"least": fen_to_yuan(one.from_fen), "most": fen_to_yuan(one.to_fen), "amount": fen_to_yuan(one.fen)}
            for one in standard.tiers
        ],
        "share": standard.share or None,
        "groups": {group: fen_to_yuan(fen) for group, fen in standard.groups.items()},
    }


# -- pages ------------------------------------------------------------------------------------------------------------


def one_plan(log: PoolLog, plan: UUID, known_at: str | None = None) -> tuple[Known, SubsidyPlan, Chains]:
    """A plan as it was known then, and its region's procedures. Raises `Refused` (PLAN_UNKNOWN), `KnownAtFault`."""
    known = resolve(log, known_at)
    state = Plans(log).find_many([plan], known.position).get(plan)
    if state is None:
        raise Refused(refuse(Reason.PLAN_UNKNOWN, plan))
    return known, state, read_procedures(log.rules().region)


def plans_page(
    log: PoolLog,
    after: UUID | None,
    limit: int,
    known_at: str | None = None,
    *,
    year: int | None = None,
    payer: str | None = None,
    village: str | None = None,
) -> tuple[Known, list[dict[str, Any]], UUID | None]:
    """Up to `limit` plans behind the plan `after`, by year, village and sequence; the plan to go on behind.

    The village by its code or as 旗县/乡镇/村. Raises `Refused` (UNKNOWN_DIVISION) and `KnownAtFault`.
    """
    place = None if village is None else Divisions(log).find(village)
    if village is not None and place is None:
        raise Refused(refuse(Reason.UNKNOWN_DIVISION, "“village”"))
    known, plans = resolve(log, known_at), Plans(log)
    listed = plans.page(known.position, after, limit, year=year, payer=payer, village=place)
    states = plans.find_many([one.plan for one in listed], known.position)
    rows = [_listed(one, states[one.plan]) for one in listed]
    return known, rows, listed[-1].plan if len(listed) == limit else None


def _listed(one: ListedPlan, state: SubsidyPlan) -> dict[str, Any]:
    rosters = state.rosters
    return {
        **one._asdict(),
        "plan": str(one.plan),
        "status": status_of(state),
        "rosters": len(rosters),
        "amount": fen_to_yuan(sum(roster.fen for roster in rosters if roster.standing != "returned")),
        "credited": fen_to_yuan(state.credited),
    }


def roster_page(
    log: PoolLog, plan: UUID, roster: UUID, after: int, limit: int, known_at: str | None = None
) -> tuple[Known, RosterOfPlan, list[dict[str, Any]], int | None] | None:
    """A roster, up to `limit` of its rows behind the line `after`, and the line to go on behind.

    None where the plan has no such roster. Raises `Refused` (PLAN_UNKNOWN) and `KnownAtFault`.
    """
    known, state, _ = one_plan(log, plan, known_at)
    told = state.roster(str(roster))
    if told is None:
        return None
    rows = Plans(log).rows(told.roster, after, limit)
    lines = [
        {"line": row.line, "account": str(UUID(bytes=row.account)), "amount": fen_to_yuan(row.fen)} for row in rows
    ]
    return known, told, lines, rows[-1].line if len(rows) == limit else None
