"""Which problem an exception is."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from eventsourcing.persistence import PersistenceError
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from api.http.bodies import PARAMETERS
from api.http.problems import Problem, refused, rows_refused, unavailable, validation
from ledger.desk.coalesce import QueueFullError
from ledger.desk.plans import RosterFaultsError
from ledger.refusals import Refused
from ledger.store.job_lock import BusyError
from ledger.store.keys import KeyFaultError
from ledger.store.recorder import MovedError
from ledger.store.server import ServerFault
from projections.folds import RebuildDue

DATABASE_FAULTS: Final = (psycopg.OperationalError, PoolTimeout, PersistenceError, ServerFault)
"""What is raised while the database is away."""
ANSWERED: Final[tuple[type[Exception], ...]] = (
    RequestValidationError, HTTPException, Problem, Refused, RosterFaultsError, QueueFullError, MovedError, BusyError,
    RebuildDue,
    KeyFaultError, *DATABASE_FAULTS, Exception,
)  # fmt: skip
"""What the framework is told to answer as a problem, one by one: what it does not know it would also raise again."""


def problem_of(fault: BaseException, body: Any = None) -> Problem:
    """The problem that ends the request; `body` is the annotation of what its route takes."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, RosterFaultsError):
        return rows_refused(fault.faults)
    if isinstance(fault, Refused):
        return refused(fault.refusal)
    if isinstance(fault, RequestValidationError):
        return _request(fault, body)
    if isinstance(fault, QueueFullError):
        return unavailable("等待办理的业务已满", 1, "QUEUE_FULL")
    if isinstance(fault, MovedError):
        return unavailable("所涉账户正在变动", 1, "BUSY")
    if isinstance(fault, BusyError):
        return unavailable(str(fault), 2, "BUSY")
    if isinstance(fault, RebuildDue):
        return unavailable("汇总表须先重建（pension-ledger projections rebuild）", 60, "REBUILD_DUE")
    if isinstance(fault, KeyFaultError):
        return unavailable("登记的密钥不可用", 60, "KEY")
    if isinstance(fault, DATABASE_FAULTS):
        return unavailable("数据库暂时不能使用")
    if isinstance(fault, HTTPException):
        return _http(fault)
    return Problem(
        500,
        "INTERNAL",
        rule="程序出现未预料的情况，详情见服务日志",
        remedy="以请求编号联系系统管理员；可用相同 Idempotency-Key 重发",
    )


def _request(fault: RequestValidationError, body: Any) -> Problem:
    if any(one["loc"][:1] == ("header",) for one in fault.errors()):
        return Problem(
            400,
            "IDEMPOTENCY_KEY",
            value="Idempotency-Key",
            rule="每笔业务须有 Idempotency-Key，内容为 UUID",
            remedy="为每笔业务另取一个 UUID；重发时不变",
        )
    return validation(fault, body, PARAMETERS)


def _http(fault: HTTPException) -> Problem:
    if fault.status_code == 404:
        return Problem(404, "NOT_FOUND", value="地址", rule="须为接口说明中的地址", remedy="核对地址，见 /docs")
    if fault.status_code == 405:
        return Problem(405, "METHOD", value="方法", rule="须为接口说明中的方法", remedy="核对方法，见 /docs")
    return Problem(422, "INVALID_REQUEST", value="请求体", rule="须为有效的 JSON", remedy="按接口说明更正后重发")
