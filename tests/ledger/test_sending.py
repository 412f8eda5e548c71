"""When a row is due, what keeps it back, how a batch is named; a row as its file has it."""

from uuid import UUID

import pytest

from ledger.refusals import Reason
from ledger.sending import (
    LatestSent,
    OutRow,
    batch_text,
    cell_of,
    cells_of,
    identity_fault,
    is_due,
    read_batch,
    total_of,
)
from samples.people import citizen_number

NUMBER = citizen_number("64000019800301001")


def row(version=1, said=("青县",), fen=0):
    return OutRow("s", "l", UUID(int=1), version, fen, said)


def sent(version=1, said=("青县",), accepted=None, *, released=False):
    return LatestSent(1, 1, version, said, accepted, released)


@pytest.mark.parametrize(
    ("now", "latest", "renamed", "due"),
    [
        (row(), None, True, True),
        (row(), sent(), True, False),
        (row(), sent(accepted=True), True, False),
        (row(said=("黄县",)), sent(), True, True),
        (row(said=("黄县",)), sent(accepted=True), False, True),
        (row(version=2), sent(accepted=True), True, True),
        (row(version=2), sent(accepted=True), False, False),
        (row(version=2), sent(), False, False),
        (row(), sent(accepted=False), True, False),
        (row(said=("黄县",)), sent(accepted=False), False, True),
        (row(version=2), sent(accepted=False), False, True),
        (row(), sent(accepted=False, released=True), False, True),
    ],
)
def test_a_row_is_sent_once_unless_it_changed_or_was_rejected_and_then_corrected(now, latest, renamed, due):
    assert is_due(now, latest, renamed=renamed) is due


def test_a_row_without_a_name_or_with_a_number_that_is_none_stays():
    assert identity_fault("l", NUMBER, "测甲") is None
    for number, name in ((NUMBER, " "), ("", "测甲"), (NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1"), "测甲")):
        fault = identity_fault("l", number, name)
        assert fault is not None
        assert fault.reason is Reason.IDENTITY_FAULT
        assert not number or number not in fault.text


def test_a_batch_is_named_by_its_pool():
    assert batch_text("640100", 7) == "640100-000007"
    told = {"640100-000007": 7, " 640100-7 ": 7, "7": 7, "640200-000007": None, "": None, "七": None, "-7": None}
    assert {text: read_batch(text, "640100") for text in told} == told


def test_a_row_as_its_file_has_it():
    columns = ("序号", "编号", "公民身份号码", "姓名", "金额")
    assert cells_of(columns, ("H1", "2.00"), 3, NUMBER, "测甲") == ["3", "H1", NUMBER, "测甲", "2.00"]
    assert cell_of(columns, ("H1", "2.00"), "金额") == "2.00"
    assert cell_of(columns, ("H1", "2.00"), "来源单位") == ""
    assert total_of([row(fen=200), row(fen=1)]) == 201
