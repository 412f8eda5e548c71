"""Rows of the tax side read by themselves, cases of failed payments by their steps, feedback against approvals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger.failure_cases import Step, StepTaken, may_take, standing
from ledger.jobs.tax_rows import (
    FAILURE_COLUMNS,
    FAILURE_OPTIONAL,
    FEEDBACK_COLUMNS,
    NAMELESS_CAUSE,
    REFUND_COLUMNS,
    REFUND_OPTIONAL,
    FailureCells,
    RefundCells,
    Said,
    Unreadable,
    read_failure,
    read_feedback,
    read_refund,
    read_rows,
)
from ledger.refusals import Reason, Refusal
from ledger.special_payments import Approved, Feedback, check_feedback
from ledger.words import MoneyKind
from tests.api.cli.desk import person
from tests.ledger.lives import HOLDER, TODAY

WHO = person(901, "欧阳退费")
REFUND = {
    "退费申请编号": "R1", "公民身份号码": WHO.number, "姓名": WHO.name, "电子税票号码": "T1",
    "费款所属期": "202401-202412", "征收品目": "个人缴费", "申请退费额": "200.00", "退费类型": "误收退费",
    "上解日期": "2024-05-06", "数据类型": "新增", "传输批次号": "B1",
}  # fmt: skip
FAILURE = {
    "公民身份号码": WHO.number, "姓名": WHO.name, "费款所属期": "2024", "征收品目": "个人缴费", "金额": "200.00",
    "失败原因": "扣款账户余额不足", "日期": "2024-05-06", "传输批次号": "B1",
}  # fmt: skip
FEEDBACK = {
    "应收核定编号": "A1", "公民身份号码": WHO.number, "姓名": WHO.name, "费款所属期": "2019", "缴费类型": "一次性补缴",
    "实缴金额": "200.00", "入库日期": "2024-05-06", "电子税票号码": "T1",
}  # fmt: skip


def read(cells: dict[str, str], columns: tuple[str, ...], reader: Any, fault: str = "") -> Said[Any] | Unreadable:
    index = {name: place for place, name in enumerate(columns)}
    (row,) = read_rows([(7, [cells.get(name, "") for name in columns], fault)], index, reader)
    return row


def refund(**cells: str) -> Any:
    return read({**REFUND, **cells}, REFUND_COLUMNS + REFUND_OPTIONAL, read_refund)


def failure(**cells: str) -> Any:
    return read({**FAILURE, **cells}, FAILURE_COLUMNS + FAILURE_OPTIONAL, read_failure)


def test_a_refund_request_is_read():
    row = refund()
    assert (row.line, row.reference, row.number, row.name) == (7, "R1", WHO.number, WHO.name)
    assert row.value == RefundCells(
        "R1", 1, MoneyKind.CONTRIBUTION, 2024, 200_00, None, 4, "T1", "", date(2024, 5, 6), None, "B1"
    )
    more = refund(退费类型="03", 实缴金额="300", 入库日期="2024/5/8", 缴费明细流水号="S1", 数据类型="撤销").value
    assert (more.refund_type, more.paid_fen, more.treasury_on, more.serial, more.data_type) == (
        3, 300_00, date(2024, 5, 8), "S1", 2
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"退费申请编号": ""}, Reason.ROW_FAULT),
        ({"退费申请编号": f"R{WHO.number}"}, Reason.ROW_FAULT),
        ({"电子税票号码": WHO.name}, Reason.ROW_FAULT),
        ({"传输批次号": WHO.number}, Reason.ROW_FAULT),
        ({"征收品目": "滞纳金"}, Reason.KIND),
        ({"退费类型": "05"}, Reason.KIND),
        ({"数据类型": ""}, Reason.KIND),
        ({"申请退费额": "-1"}, Reason.AMOUNT),
        ({"实缴金额": "1.234"}, Reason.AMOUNT),
        ({"费款所属期": "2023-12至2024-01"}, Reason.PERIOD),
        ({"上解日期": ""}, Reason.DATE),
    ],
)
def test_a_faulty_row_keeps_its_person_and_shows_no_reference(cells, why):
    row = refund(**cells)
    assert isinstance(row, Said)
    assert isinstance(row.value, Refusal)
    assert (row.value.reason, row.number, row.reference) == (why, WHO.number, "")
    assert WHO.number not in row.value.text
    assert WHO.name not in row.value.text


def test_a_row_of_nobody():
    assert refund(公民身份号码=WHO.number[:-1]).refusal.reason is Reason.IDENTITY_FAULT
    row = read(REFUND, REFUND_COLUMNS + REFUND_OPTIONAL, read_refund, "单元格数目与表头不符")
    assert isinstance(row, Unreadable)
    assert row.refusal.reason is Reason.ROW_FAULT


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        ("扣款账户余额不足", "扣款账户余额不足"),
        (f"{WHO.name}未签约", NAMELESS_CAUSE),
        ("欧阳 退费未签约", NAMELESS_CAUSE),
        (f"证件{WHO.number}有误", NAMELESS_CAUSE),
        (f"与{person(902).number}重复", NAMELESS_CAUSE),
    ],
)
def test_a_cause_that_names_somebody_is_not_kept(cause, kept):
    value = failure(失败原因=cause).value
    assert isinstance(value, FailureCells)
    assert value.cause == kept


def test_only_special_payments_are_fed_back():
    assert read(FEEDBACK, FEEDBACK_COLUMNS, read_feedback).value.payment_type == "lump_sum"
    wrong = read({**FEEDBACK, "缴费类型": "正常应缴"}, FEEDBACK_COLUMNS, read_feedback).value
    assert wrong.reason is Reason.KIND


# -- cases -------------------------------------------------------------------------------------------------------------

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)


def step(kind: Step, owner: str = "", due: date | None = None, reason: str = "") -> StepTaken:
    return StepTaken(kind, owner, due, reason, "甲", "乙", AT)


def test_where_a_case_stands():
    assigned = [step(Step.ASSIGNED, "丙", date(2026, 3, 9)), step(Step.ASSIGNED, "丁", date(2026, 3, 16))]
    assert standing([]) == ("open", "", None, "")
    assert standing(assigned) == ("assigned", "丁", date(2026, 3, 16), "")
    explained = [*assigned, step(Step.EXPLAINED, reason="账号有误")]
    assert standing(explained) == ("explained", "丁", date(2026, 3, 16), "账号有误")
    assert standing([*explained, step(Step.CLOSED, reason="已补缴")])[:1] == ("closed",)


def test_what_may_be_done_about_a_case():
    allowed = {(kind.name, status) for kind in Step for status in ("open", "assigned", "explained", "closed")}
    refused = {(kind, status) for kind, status in allowed if may_take(Step[kind], status) is not None}
    assert refused == {
        ("ASSIGNED", "closed"), ("EXPLAINED", "closed"), ("CLOSED", "closed"), ("EXPLAINED", "open"),
        ("CLOSED", "open"),
    }  # fmt: skip


# -- feedback ----------------------------------------------------------------------------------------------------------

APPROVED = [
    Approved("A1", HOLDER, 2019, "lump_sum", 200_00, date(2026, 3, 2)),
    Approved("A1", HOLDER, 2020, "lump_sum", 300_00, date(2026, 3, 2)),
]


def fed(**said: Any) -> Feedback:
    plain = Feedback("A1", HOLDER, 2019, "lump_sum", 200_00, date(2026, 3, 9), "T1")
    return plain._replace(**said)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, None),
        ({"period": 2020, "fen": 300_00}, None),
        ({"treasury_on": date(2026, 3, 2)}, None),
        ({"payment_type": "interrupted"}, Reason.KIND),
        ({"period": 2021}, Reason.PERIOD),
        ({"fen": 200_01}, Reason.AMOUNT),
        ({"fen": 300_00}, Reason.AMOUNT),
        ({"treasury_on": date(2026, 3, 1)}, Reason.DATE),
        ({"treasury_on": date(2027, 1, 1)}, Reason.DATE),
    ],
)
def test_a_feedback_answers_what_was_approved(said, why):
    refusal = check_feedback(fed(**said), APPROVED, None, TODAY)
    assert (refusal.reason if refusal else None) is why


def test_a_feedback_of_nothing_approved_or_of_another_voucher_is_refused():
    nothing = check_feedback(fed(), [], None, TODAY)
    assert nothing is not None
    assert nothing.reason is Reason.NOT_APPROVED
    assert check_feedback(fed(), APPROVED, fed(), TODAY) is None
    other = check_feedback(fed(), APPROVED, fed(voucher="T2"), TODAY)
    assert other is not None
    assert other.reason is Reason.SERIAL_CONFLICT
