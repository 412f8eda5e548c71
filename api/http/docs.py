"""`/docs`: the operations on one page, made from the OpenAPI document, without any outside host."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_STYLE: Final = """
body{font:16px/1.6 "Noto Sans CJK SC","Noto Sans SC","Microsoft YaHei",sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}
code{font:.9em ui-monospace,monospace;background:#f3f3f0;padding:.1em .3em}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top;font-size:.9rem}th{background:#f7f7f4}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@router.get("/docs", response_class=HTMLResponse)
async def page(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse("".join(_page(request.app.openapi())), headers={"Content-Security-Policy": _POLICY})


def _page(told: dict[str, Any]) -> Iterator[str]:
    title = escape(told["info"]["title"])
    yield f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    yield f"<h1>{title}</h1><p>{escape(told['info']['description'])}</p>"
    yield '<p>机读说明：<a href="/openapi.json">/openapi.json</a></p>'
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            yield from _operation(told, method, path, operation)


def _operation(told: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2>{escape(operation['summary'])}</h2><p><code>{method.upper()} {escape(path)}</code></p>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    rows = [
        (one["name"], one["schema"].get("title", ""), one.get("description", ""), one.get("required", False))
        for one in operation.get("parameters", [])
    ]
    yield from _table("参数", rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        for schema in body.get("oneOf", [body]):
            for name in _within(told, schema):
                yield from _fields(told, name)
    answers = ((code, one["description"]) for code, one in operation["responses"].items())
    yield "<table><tr><th>状态码<th>回答</tr>"
    yield "".join(f"<tr><td>{escape(code)}<td>{escape(text)}</tr>" for code, text in answers) + "</table>"


def _within(told: dict[str, Any], schema: Any) -> list[str]:
    """The schemas that one leads to, itself first, each once."""
    found: list[str] = []
    if isinstance(schema, dict):
        if name := schema.get("$ref", "").rpartition("/")[2]:
            fields = told["components"]["schemas"][name].get("properties")  # a list of words has none
            found = [name, *_within(told, fields)] if fields else []
        else:
            found = [name for part in schema.values() for name in _within(told, part)]
    elif isinstance(schema, list):
        found = [name for part in schema for name in _within(told, part)]
    return list(dict.fromkeys(found))


def _fields(told: dict[str, Any], name: str) -> Iterator[str]:
    schema = told["components"]["schemas"][name]
    yield f"<p>{escape(schema.get('description', ''))}</p>"
    required = schema.get("required", [])
    rows = [
        (field, one.get("title", ""), _about(one), field in required) for field, one in schema["properties"].items()
    ]
    yield from _table("内容", rows)


def _about(field: dict[str, Any]) -> str:
    allowed = field.get("enum") or ([field["const"]] if "const" in field else [])
    return "；".join(filter(None, [field.get("description", ""), "、".join(map(str, allowed))]))


def _table(head: str, rows: list[tuple[str, str, str, bool]]) -> Iterator[str]:
    if rows:
        yield f"<table><tr><th>{head}<th>名称<th>说明<th>必填</tr>"
        for name, title, about, required in rows:
            yield f"<tr><td><code>{escape(name)}</code><td>{escape(title)}<td>{escape(about)}"
            yield f"<td>{'是' if required else ''}</tr>"
        yield "</table>"
