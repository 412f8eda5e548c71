"""Whether the server lives, and whether it can answer."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from api.http.answers import Health, Statuses, refusals
from api.http.asked import answer, service_of

router = APIRouter(tags=["服务"])
_OK: Final[Statuses] = {200: {"model": Health, "description": "正常"}}


@router.get("/healthz", responses={**_OK}, summary="服务进程在运行", operation_id="healthz")
async def healthz() -> Response:
    """只看进程，不看数据库。"""
    return answer({"status": "ok"})


@router.get("/readyz", responses={**_OK, **refusals()}, summary="可以办理业务", operation_id="readyz")
async def readyz(request: Request) -> Response:
    """数据库可用，结构与本程序相符。"""
    service = service_of(request)
    await service.read(service.check)
    return answer({"status": "ok"})
