"""The application: its routes and its description. What every request passes is the `Door` around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from api.http import accounts, balances, docs, entries, events, health, payers, plans, reconciliation, statements
from api.http.faults import ANSWERED, problem_of
from api.http.problems import FieldFault, LineFault, ProblemDocument
from api.http.service import Service

TITLE: Final = "城乡居民基本养老保险个人账户账簿"
ABOUT: Final = (
    "每笔写入须带 Idempotency-Key（UUID）：同一命令编号只办一次，重发得到原回答。"
    "金额为两位小数的元，日期为 YYYY-MM-DD（北京时间）。"
    "不予办理的回答为 application/problem+json，写明值、规则、依据和办法。"
    "任何回答都不含个人姓名和公民身份号码。"
)


def create_app(service: Service | None = None) -> FastAPI:
    """The application over a service; without one it only describes itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if service is not None:
            service.start()
        yield
        if service is not None:
            await service.stop()

    app = FastAPI(
        title=TITLE,
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=dict.fromkeys(ANSWERED, _answered),
    )
    app.state.service = service
    for resource in (accounts, entries, statements, events, balances, payers, plans, reconciliation, health, docs):
        app.include_router(resource.router)
    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    return app


async def _answered(request: Request, fault: Exception) -> Response:
    """Every fault as a problem."""
    request.state.fault = fault
    route = request.scope.get("route")
    answer = problem_of(fault, _body_of(route.endpoint) if route else None).response(request.state.request_id)
    if isinstance(fault, HTTPException) and fault.headers and "Allow" in fault.headers:
        answer.headers["Allow"] = fault.headers["Allow"]
    return answer


@cache
def _body_of(endpoint: Any) -> Any:
    """The annotation of the body that a route takes; None where it takes none."""
    return get_type_hints(endpoint, include_extras=True).get("body")


def _description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, problems = models_json_schema(
            [(ProblemDocument, "serialization"), (FieldFault, "serialization"), (LineFault, "serialization")],
            ref_template="#/components/schemas/{model}",
        )
        schemas = made["components"]["schemas"]
        schemas |= problems["$defs"]
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in made["paths"].items():
            for operation in operations.values():
                if path.startswith("/v1/"):
                    operation["security"] = [{"token": []}]
        app.openapi_schema = made
    return app.openapi_schema
