"""Every no over HTTP: `application/problem+json` (RFC 9457), in Chinese, saying value, rule, clause and remedy.

A problem names a field and never repeats what stood in it: a number is easily typed into the wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.http.bodies import fields_of
from ledger.refusals import HOUSE, Reason, Refusal

MEDIA_TYPE: Final = "application/problem+json"
_encode: Final = msgspec.json.Encoder().encode

TITLES: Final = {
    400: "请求缺少必要的头",
    401: "未认证",
    403: "无权办理",
    404: "没有找到",
    405: "不支持的方法",
    413: "请求体过大",
    422: "不予办理",
    500: "内部错误",
    503: "暂时不能办理",
}
NOT_FOUND: Final = frozenset((Reason.UNKNOWN_ACCOUNT, Reason.PLAN_UNKNOWN))
"""Refusals that are answered 404: what the address names is not there."""
_MASKED: Final = {Reason.UNKNOWN_DIVISION: "“division”"}
"""Refusals whose value is what the caller wrote, and could be anything."""


class FieldFault(BaseModel):
    """One field that is not as agreed."""

    field: str = Field(title="字段", description="在请求中的位置，例如 body.amount；不含所填内容")
    title: str = Field(title="字段名称")
    detail: str = Field(title="原因")


class LineFault(BaseModel):
    """What is wrong with one line of a list."""

    line: int = Field(title="第几行", description="在列表中的位置，从 1 起")
    reason: str = Field(title="原因代码", examples=["NAME_DIFFERS"])
    value: str = Field(title="值", description="指出栏目，不含所填内容")
    rule: str = Field(title="规则")
    clause: str = Field(title="依据")
    remedy: str = Field(title="办法")


class ProblemDocument(BaseModel):
    """Why something was not done, and what to do."""

    type: str = Field(title="问题类型", examples=["urn:pension-ledger:problem:OVER_CAP"])
    title: str = Field(title="标题")
    status: int = Field(title="状态码")
    detail: str = Field(title="说明")
    reason: str = Field(title="原因代码", examples=["OVER_CAP"])
    value: str = Field(title="值")
    rule: str = Field(title="规则")
    clause: str = Field(title="依据")
    remedy: str = Field(title="办法")
    request_id: str | None = Field(default=None, title="请求编号")
    errors: list[FieldFault] | None = Field(default=None, title="各字段的问题")
    faults: list[LineFault] | None = Field(default=None, title="名单各行的问题", description="全部列出")


class Problem(Exception):  # noqa: N818 — an answer, not an error of the program
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        rule: str,
        remedy: str,
        value: str = "",
        clause: str = HOUSE,
        retry_after: int | None = None,
        errors: list[dict[str, str]] | None = None,
        faults: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.said = {"reason": reason, "value": value, "rule": rule, "clause": clause, "remedy": remedy}
        self.retry_after = retry_after
        self.lists = {"errors": errors, "faults": faults}

    def response(self, request_id: str | None = None) -> Response:
        """The answer."""
        parts = {"值": self.said["value"], "规则": self.said["rule"], "依据": self.said["clause"]}
        detail = "；".join(f"{word}：{text}" for word, text in {**parts, "办法": self.said["remedy"]}.items() if text)
        document: dict[str, Any] = {
            "type": f"urn:pension-ledger:problem:{self.said['reason']}",
            "title": TITLES.get(self.status, "不能办理"),
            "status": self.status,
            "detail": detail,
            **self.said,
        }
        if request_id is not None:
            document["request_id"] = request_id
        document |= {name: listed for name, listed in self.lists.items() if listed}
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="pension-ledger"'
        return Response(_encode(document), self.status, headers, MEDIA_TYPE)


def refused(refusal: Refusal, *, missing: bool = False) -> Problem:
    """A refusal of the ledger; `missing` where it is about what the address names."""
    return Problem(
        404 if missing or refusal.reason in NOT_FOUND else 422,
        refusal.reason,
        value=_MASKED.get(refusal.reason, refusal.value),
        rule=refusal.rule,
        clause=refusal.clause,
        remedy=refusal.remedy,
    )


def rows_refused(faults: Sequence[tuple[int, Refusal]]) -> Problem:
    """A list that is returned whole: everything that is wrong with it, line by line."""
    lines = len({line for line, _ in faults})
    told = [
        {
            "line": line,
            "reason": one.reason,
            "value": one.value,
            "rule": one.rule,
            "clause": one.clause,
            "remedy": one.remedy,
        }
        for line, one in sorted(faults, key=lambda fault: fault[0])
    ]
    return Problem(
        422,
        Reason.ROSTER_FAULTS,
        value=f"{lines}行有误，共{len(told)}处",
        rule="名单须逐行无误；有误的整份退回，未记账",
        remedy="按 faults 逐行更正后整份重报",
        faults=told,
    )


def unauthorized() -> Problem:
    """No token, or one that opens nothing."""
    return Problem(
        401,
        "UNAUTHORIZED",
        value="令牌",
        rule="请求须带有效的令牌（Authorization: Bearer …）",
        remedy="核对令牌；已过期或已撤销的，请管理员以 pension-ledger token create 另发",
    )


def forbidden() -> Problem:
    """The token does not open what the address names, whether or not that is there."""
    return Problem(
        403,
        "FORBIDDEN",
        value="令牌",
        rule="令牌只能用于发放时指定的统筹区，只供查询的令牌不能办理业务",
        remedy="核对地址中的统筹区编码；确需办理的，请管理员以 pension-ledger token create 另发",
    )


def unknown_pool() -> Problem:
    """The address names no pool."""
    return Problem(
        404, "UNKNOWN_POOL", value="统筹区", rule="须为本账簿已设立的统筹区", remedy="核对地址中的统筹区编码"
    )


def unavailable(rule: str, retry_after: int = 5, reason: str = "UNAVAILABLE") -> Problem:
    """Not now; nothing was lost, and the same request may be sent again."""
    return Problem(
        503, reason, rule=rule, remedy="请稍后以相同内容和相同 Idempotency-Key 重发", retry_after=retry_after
    )


def invalid(field: str, title: str, detail: str) -> Problem:
    """One field that is not as agreed."""
    return invalid_fields([{"field": field, "title": title, "detail": detail}])


def invalid_fields(errors: list[dict[str, str]]) -> Problem:
    """Fields that are not as agreed."""
    first = errors[0]
    return Problem(
        422,
        "INVALID_REQUEST",
        value=f"“{first['title'] or first['field']}”",
        rule="；".join(f"“{one['title'] or one['field']}”{one['detail']}" for one in errors[:5]),
        remedy="按接口说明更正后重发",
        errors=errors,
    )


_TEXTS: Final = {
    "missing": "为必填项",
    "string_too_long": "长度不得超过{max_length}个字",
    "string_too_short": "长度不得少于{min_length}个字",
    "string_pattern_mismatch": "格式不符",
    "string_type": "须为文本",
    "string_unicode": "须为有效的文本",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_parsing_size": "数值过大",
    "int_from_float": "须为整数",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "greater_than_equal": "不得小于{ge}",
    "less_than_equal": "不得大于{le}",
    "literal_error": "须为约定的取值：{expected}",
    "enum": "须为约定的取值：{expected}",
    "uuid_type": "须为 UUID",
    "uuid_parsing": "须为 UUID",
    "union_tag_invalid": "的 kind 须为约定的取值：{expected_tags}",
    "union_tag_not_found": "须有 kind",
    "json_invalid": "不是有效的 JSON",
    "extra_forbidden": "含有未约定的字段",
    "model_attributes_type": "须为 JSON 对象",
    "model_type": "须为 JSON 对象",
    "dict_type": "须为 JSON 对象",
    "list_type": "须为 JSON 数组",
    "too_long": "不得多于{max_length}项",
    "too_short": "不得少于{min_length}项",
}


def validation(fault: RequestValidationError, body: Any, parameters: Mapping[str, str]) -> Problem:
    """The faults of a request as the schema finds them; `body` is its annotation, `parameters` names the others."""
    errors = []
    for one in fault.errors()[:20]:
        where, *place = one["loc"] or ("body",)
        if where == "body":
            names, title = fields_of(body, place)
            title = title or parameters["body"]
        else:
            names = [str(part) for part in place if part in parameters]
            title = parameters.get(names[-1], "") if names else ""
        text = one["msg"] if one["type"].startswith("ledger_") else _text(one)
        errors.append({"field": ".".join((str(where), *names)), "title": title, "detail": text})
    return invalid_fields(errors)


def _text(fault: Mapping[str, Any]) -> str:
    try:
        return _TEXTS.get(fault["type"], "无效").format(**fault.get("ctx", {}))
    except (KeyError, IndexError):
        return "无效"
