"""Who pays a subsidy or an aid: payers, their rolls of members, villages admitted, statuses of persons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from api.http.answers import READ, WRITE
from api.http.asked import Desk, Order, Page, answer, cursor_of, done, page_of, service_of
from api.http.bodies import Cursor, Limit
from api.http.plan_answers import PAYER_CREATED, Payer, PayersPage, payer_done
from api.http.plan_bodies import (
    AdmissionBody,
    ConfirmationBody,
    MemberRow,
    MembersBody,
    PayerBody,
    StatusesBody,
    WhichPayer,
)
from api.http.problems import invalid, refused
from api.http.service import Counter
from ledger.desk.commands import Command
from ledger.desk.payer_commands import (
    AdmitVillage,
    ConfirmPayer,
    EnrolMembers,
    PayerAnswer,
    RegisterDonor,
    RegisterPayer,
    SetStatuses,
)
from ledger.desk.payers import PayerDesk
from ledger.desk.plans import RosterFaultsError
from ledger.identity import IdentityFault, normalise_citizen_number
from ledger.jobs.intake import FileRow
from ledger.jobs.roll_rows import STATUSES, read_members, read_statuses
from ledger.refusals import Reason, Refusal, Refused, refuse
from ledger.store.payers import Payer as StoredPayer
from ledger.store.payers import Payers, Period
from projections.plan_pages import payer_told, payers_told

router = APIRouter(prefix="/v1/pools/{pool}", tags=["补助、资助单位"])
_CODE: Final = re.compile(r"[0-9A-Z]{18}|PERSON-[0-9A-Z]{16}")
_WORDS: Final = {word: chinese for chinese, word in STATUSES.items()}


@router.post(
    "/payers",
    status_code=201,
    responses={**PAYER_CREATED, **WRITE},
    summary="登记单位",
    operation_id="register_payer",
)
async def register_payer(request: Request, order: Order, body: PayerBody, counter: Desk) -> Response:
    """按备案表登记补助、资助单位，或按号码登记个人资助人；再次登记即变更，已登记的税务信息保留。"""
    about: dict[str, Any] = {
        "reviewer": body.reviewer,
        "name": body.name,
        "document": body.document,
        "village": body.village or "",
    }
    command: Command
    if body.number:
        try:
            number = normalise_citizen_number(body.number)
        except IdentityFault as fault:
            raise Refused(refuse(Reason.IDENTITY_FAULT, "“公民身份号码”", rule=str(fault))) from None
        command = RegisterDonor(**order._asdict(), **about, number=number)
    else:
        about |= {"code": body.code or "", "kind": body.kind, "village_number": body.village_number or ""}
        command = RegisterPayer(**order._asdict(), **about)
    return await _do(request, counter, lambda: command, f"/v1/pools/{counter.log.pool}/payers/{{code}}")


@router.get(
    "/payers",
    responses={200: {"model": PayersPage, "description": "一页单位"}, **READ},
    summary="单位列表",
    operation_id="list_payers",
)
async def list_payers(request: Request, counter: Desk, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """已登记的单位，按代码排列；为当前的情形。"""
    page = page_of(cursor, None, None)
    if page is not None and not _CODE.fullmatch(page.after):
        raise invalid("query.cursor", "从何处继续", "不是本接口给出的 cursor")
    found, told = await service_of(request).read(_page, counter, page.after if page else "", limit)
    following = cursor_of(Page(found[-1].code, 0)) if len(found) == limit else None
    return answer({"pool": counter.log.pool, "payers": told, "next": following})


@router.get(
    "/payers/{code}",
    responses={200: {"model": Payer, "description": "单位"}, **READ},
    summary="单位",
    operation_id="get_payer",
)
async def get_payer(request: Request, code: WhichPayer, counter: Desk) -> Response:
    """一个单位当前登记的内容。"""
    return answer(await service_of(request).read(lambda: payer_told(_known(counter, code), counter.register)))


@router.post(
    "/payers/{code}/confirmation",
    status_code=201,
    responses={**PAYER_CREATED, **WRITE},
    summary="税务端确认单位",
    operation_id="confirm_payer",
)
async def confirm_payer(
    request: Request, code: WhichPayer, order: Order, body: ConfirmationBody, counter: Desk
) -> Response:
    """登记税务端关联虚拟户后的纳税人识别号、社保编码；确认之前，有的地区不办理人员申报。"""
    command = ConfirmPayer(**order._asdict(), **body.model_dump(), code=code)
    return await _do(request, counter, lambda: _of_known(counter, command))


@router.post(
    "/payers/{code}/members",
    status_code=201,
    responses={**PAYER_CREATED, **WRITE},
    summary="登记成员名单",
    operation_id="enrol_members",
)
async def enrol_members(request: Request, code: WhichPayer, order: Order, body: MembersBody, counter: Desk) -> Response:
    """单位出具的成员名单。有一行有误即整份退回，列出各行全部问题；再次报送同一人同一起日即变更其止日。"""

    def command() -> EnrolMembers:
        _known(counter, code)
        periods = _sound(*read_members(_rows(body.members), _PLACES, counter.register, code))
        return EnrolMembers(**order._asdict(), code=code, periods=periods)

    return await _do(request, counter, command)


@router.post(
    "/statuses",
    status_code=201,
    responses={**PAYER_CREATED, **WRITE},
    summary="登记人员状态",
    operation_id="set_statuses",
)
async def set_statuses(request: Request, order: Order, body: StatusesBody, counter: Desk) -> Response:
    """领取待遇、困难群体等状态及其起止。有一行有误即整份退回，列出各行全部问题。"""
    said = [_WORDS.get(one.status, one.status) for one in body.statuses]

    def command() -> SetStatuses:
        periods = _sound(*read_statuses(_rows(body.statuses, said), _PLACES, counter.register))
        return SetStatuses(**order._asdict(), periods=periods)

    return await _do(request, counter, command)


@router.post(
    "/admitted-villages",
    status_code=201,
    responses={**PAYER_CREATED, **WRITE},
    summary="列入试点名单",
    operation_id="admit_village",
)
async def admit_village(request: Request, order: Order, body: AdmissionBody, counter: Desk) -> Response:
    """一村自何日起列入试点；再次报送同一起日即变更其截止日期。"""
    command = AdmitVillage(**order._asdict(), **body.model_dump())
    return await _do(request, counter, lambda: command)


async def _do(request: Request, counter: Counter, command_of: Callable[[], Command], location: str = "") -> Response:
    """Have a command done in one of the threads for it, together with the reading of its rows."""
    desk = PayerDesk(counter.log, counter.register)

    def told_and_shown() -> tuple[PayerAnswer, dict[str, Any]]:
        told = desk.do(command_of())
        return told, payer_done(told, counter.register)

    told, shown = await service_of(request).do_whole(told_and_shown)
    return done(told, location.format(code=told.payer.code) if told.payer else "", shown=shown)


def _page(counter: Counter, after: str, limit: int) -> tuple[list[StoredPayer], list[dict[str, Any]]]:
    """Payers behind a code, and how they are told."""
    found = Payers(counter.log).every(after, limit)
    return found, payers_told(found, counter.register)


def _known(counter: Counter, code: str) -> StoredPayer:
    """The payer that an address names. Ends the request where there is none."""
    payer = Payers(counter.log).find(code)
    if payer is None:
        raise refused(refuse(Reason.PAYER_UNKNOWN, code), missing=True)
    return payer


def _of_known(counter: Counter, command: ConfirmPayer) -> ConfirmPayer:
    _known(counter, command.code)
    return command


_PLACES: Final[Mapping[str, int]] = {"姓名": 0, "公民身份号码": 1, "起": 2, "止": 3, "状态": 4}


def _rows(rows: Sequence[MemberRow], statuses: Sequence[str] = ()) -> Iterable[FileRow]:
    """The rows as the reader of files takes them; the first is line 1."""
    for place, row in enumerate(rows):
        cells = [row.name, row.number, row.since, row.until, statuses[place] if statuses else ""]
        yield place + 1, cells, ""


def _sound(periods: list[Period], faults: list[tuple[int, Refusal]]) -> tuple[Period, ...]:
    if faults:
        raise RosterFaultsError(faults)
    return tuple(periods)
