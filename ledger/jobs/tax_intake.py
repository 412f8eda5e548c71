"""Files of the tax side beside 缴费明细, each taken in as one transaction: every row of it, or nothing.

退费申请 and 特殊缴费业务入库反馈 are about persons that the register knows; 缴费不成功信息 also about others. The same
file again changes nothing: a row is known by what identifies it, never by its file. A dry run does all of it and takes
it back. What is stored says of nobody who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ledger import clock
from ledger.exchange import FileKind
from ledger.jobs.intake import Ended, Outcome, Source
from ledger.jobs.tax_rows import (
    FailureCells,
    FeedbackCells,
    RefundCells,
    Said,
    Unreadable,
    read_failure,
    read_feedback,
    read_refund,
    read_rows,
)
from ledger.late_money import Origin
from ledger.refund_requests import RefundRequest, may_be_cancelled
from ledger.refusals import Reason, Refusal, first, refuse
from ledger.special_payments import Approved, Feedback, check_feedback
from ledger.store.exchange_files import ExchangeFiles
from ledger.store.external_identities import CANCELLED
from ledger.store.failures import Failure, Failures
from ledger.store.log import PoolLog
from ledger.store.refunds import Place, Refunds
from ledger.store.register import Holder, Register
from ledger.store.special_payments import FedBack, SpecialPayments
from ledger.words import new_id

Value = TypeVar("Value")
Rows = Sequence[Said[Value] | Unreadable]
Decide = Callable[[Said[Any]], Outcome]
People = Mapping[str, Holder]
"""Who is registered under a citizen number of the file."""


class _Transaction(NamedTuple):
    """An open transaction of one file: the log over it, its cursor, the register on it, and the file's id."""

    log: PoolLog
    cursor: Any
    register: Register
    file_id: int


class _TakenBackError(Exception):
    """Ends the transaction of a dry run."""


def take_in_refunds(
    log: PoolLog, register: Register, source: Source, origin: Origin, *, dry_run: bool
) -> list[Outcome]:
    """退费申请. Reasons: as `_row_refusal`, REFUND_UNKNOWN, REFUND_STATE, SERIAL_CONFLICT."""
    rows = read_rows(source.rows, source.columns, read_refund)

    def decided(at: _Transaction) -> list[Outcome]:
        people, refunds = _people(rows, at.register), Refunds(at.log)
        return _each(rows, _known_only(people, at.register), lambda row: _refund(row, people, refunds, at))

    return _alone(Refunds(log).alone(), register, source, FileKind.REFUND_REQUESTS, origin, decided, dry_run=dry_run)


def take_in_failures(
    log: PoolLog, register: Register, source: Source, origin: Origin, *, dry_run: bool
) -> list[Outcome]:
    """缴费不成功信息, also of persons who are not registered. Reasons: as `_row_refusal` but for the person."""
    rows = read_rows(source.rows, source.columns, read_failure)

    def decided(at: _Transaction) -> list[Outcome]:
        people, failures = _people(rows, at.register), Failures(at.log)
        digests = [at.register.digest(row.number) for row in rows if isinstance(row, Said)]
        before = failures.of_persons([one.participant for one in people.values()], digests)
        known = {one.content for one in before}
        return _each(rows, _anybody, lambda row: _failure(row, people, failures, known, at))

    return _alone(Failures(log).alone(), register, source, FileKind.FAILURES, origin, decided, dry_run=dry_run)


def take_in_feedback(
    log: PoolLog, register: Register, source: Source, origin: Origin, *, dry_run: bool
) -> list[Outcome]:
    """特殊缴费业务入库反馈. Reasons: as `_row_refusal`, and those of `check_feedback`."""
    rows = read_rows(source.rows, source.columns, read_feedback)

    def decided(at: _Transaction) -> list[Outcome]:
        people, payments = _people(rows, at.register), SpecialPayments(at.log)
        numbers = {row.value.number for row in rows if isinstance(row, Said) and isinstance(row.value, FeedbackCells)}
        approved, known = payments.approved(numbers), payments.fed_back(numbers)
        decide = partial(_feedback, people=people, approved=approved, known=known, payments=payments, at=at)
        return _each(rows, _known_only(people, at.register), decide)

    return _alone(
        SpecialPayments(log).alone(), register, source, FileKind.SPECIAL_FEEDBACK, origin, decided, dry_run=dry_run
    )


def _alone(
    transaction: AbstractContextManager[tuple[PoolLog, Any]],
    register: Register,
    source: Source,
    kind: FileKind,
    origin: Origin,
    decided: Callable[[_Transaction], list[Outcome]],
    *,
    dry_run: bool,
) -> list[Outcome]:
    """The outcomes of a file's rows, decided and written in one transaction; a dry run's is taken back."""
    outcomes: list[Outcome] = []
    try:
        with transaction as (log, cursor):
            file_id = ExchangeFiles(log).register(source.of_exchange(kind), origin, cursor.connection)
            outcomes = decided(_Transaction(log, cursor, register.on(log), file_id))
            if dry_run:
                raise _TakenBackError
    except _TakenBackError:
        pass
    return outcomes


# -- one row after the other ------------------------------------------------------------------------------------------


def _each(rows: Rows[Any], person: Callable[[Said[Any]], Refusal | None], decide: Decide) -> list[Outcome]:
    """Each row's outcome in file order: what is wrong with it by itself or with its person, or what is decided.

    Reasons: ROW_FAULT, IDENTITY_FAULT, UNKNOWN_PERSON, NAME_DIFFERS, KIND, AMOUNT, PERIOD, DATE.
    """
    outcomes = []
    for row in rows:
        if isinstance(row, Unreadable):
            outcomes.append(Outcome(row.line, "", Ended.REFUSED, row.refusal))
            continue
        wrong = row.value if isinstance(row.value, Refusal) else None
        refusal = first(wrong, person(row))
        outcomes.append(_refused(row, refusal) if refusal else decide(row))
    return outcomes


def _known_only(people: People, register: Register) -> Callable[[Said[Any]], Refusal | None]:
    """What is wrong with a row's person: only registered ones, by their name. Reasons: UNKNOWN_PERSON, NAME_DIFFERS."""

    def refusal(row: Said[Any]) -> Refusal | None:
        holder = people.get(row.number)
        if holder is None:
            return refuse(Reason.UNKNOWN_PERSON, f"第{row.line}行“公民身份号码”")
        if not register.is_named(holder, row.name):
            return refuse(Reason.NAME_DIFFERS, f"第{row.line}行“姓名”")
        return None

    return refusal


def _anybody(_row: Said[Any]) -> Refusal | None:
    return None


def _people(rows: Rows[Any], register: Register) -> dict[str, Holder]:
    digests = {register.digest(row.number): row.number for row in rows if isinstance(row, Said)}
    return {digests[digest]: holder for digest, holder in register.find(digests).items()}


def _refund(row: Said[RefundCells], people: People, refunds: Refunds, at: _Transaction) -> Outcome:
    cells = row.value
    assert isinstance(cells, RefundCells)
    number, data_type, batch = cells.number, cells.data_type, cells.batch
    figures: tuple[Any, ...] = cells[2:-1]
    request = RefundRequest(number, people[row.number].participant, *figures)
    if said := refunds.said(number, data_type):
        if said == request:
            return Outcome(row.line, number, Ended.ALREADY_THERE)
        rule = "同一退费申请编号、同一数据类型的内容须一致"
        return _refused(row, refuse(Reason.SERIAL_CONFLICT, f"第{row.line}行“退费申请编号”", rule=rule))
    if data_type == CANCELLED and (wrong := _cancelling(request, refunds, row.line)):
        return _refused(row, wrong)
    refunds.write(at.cursor, request, data_type, Place(at.file_id, row.line, clock.today(), batch))
    return Outcome(row.line, number, Ended.RECORDED)


def _cancelling(request: RefundRequest, refunds: Refunds, line: int) -> Refusal | None:
    record = refunds.find(request.number)
    if record is None:
        remedy = "待原申请到达后重报"
        return refuse(Reason.REFUND_UNKNOWN, f"第{line}行“退费申请编号”", rule="撤销须指向已传来的申请", remedy=remedy)
    if (record.request.participant, record.request.fen) != (request.participant, request.fen):
        rule = "撤销的人员和申请退费额须与原申请一致"
        return refuse(Reason.SERIAL_CONFLICT, f"第{line}行“退费申请编号”", rule=rule)
    return may_be_cancelled(record.status)


def _failure(
    row: Said[FailureCells],
    people: People,
    failures: Failures,
    known: set[tuple[Any, ...]],
    at: _Transaction,
) -> Outcome:
    cells = row.value
    assert isinstance(cells, FailureCells)
    holder = people.get(row.number)
    digest = None if holder else at.register.digest(row.number)
    participant = holder.participant if holder else None
    failure = Failure._make((new_id(), at.file_id, row.line, participant, digest, *cells, clock.now()))
    if failure.content in known:
        return Outcome(row.line, row.reference, Ended.ALREADY_THERE)
    known.add(failure.content)
    failures.write(at.cursor, failure)
    notice = "本统筹区没有该参保人的登记" if holder is None else ""
    if holder and not at.register.is_named(holder, row.name):
        notice = "姓名与参保登记不一致"
    return Outcome(row.line, row.reference, Ended.RECORDED, notice=notice)


def _feedback(
    row: Said[FeedbackCells],
    people: People,
    approved: Sequence[Approved],
    known: dict[tuple[str, Any, int], FedBack],
    payments: SpecialPayments,
    at: _Transaction,
) -> Outcome:
    cells = row.value
    assert isinstance(cells, FeedbackCells)
    number = cells.number
    figures: tuple[Any, ...] = cells[1:]
    said = Feedback(number, people[row.number].participant, *figures)
    mine = [one for one in approved if (one.number, one.participant) == (said.number, said.participant)]
    key = (said.number, said.participant, said.period)
    before = known[key].feedback if key in known else None
    if before == said:
        return Outcome(row.line, number, Ended.ALREADY_THERE)
    if wrong := check_feedback(said, mine, before, clock.today()):
        return _refused(row, wrong)
    known[key] = FedBack(said, at.file_id, row.line, clock.today())
    payments.write(at.cursor, known[key])
    return Outcome(row.line, number, Ended.RECORDED)


def _refused(row: Said[Any], refusal: Refusal) -> Outcome:
    return Outcome(row.line, row.reference, Ended.REFUSED, refusal)
