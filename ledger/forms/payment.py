"""缴费通知单 and 应收核定单 after a review, 到账函 after an allocation. The sources name them and print none of them.

What a notice asks for is what was reviewed; what a letter tells is what its allocation recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.forms.filing import Filed, filed_of
from ledger.forms.sheet import Cell, Form, Papers, Role, Row, chinese_date, closing_rows, one_line, title_rows
from ledger.plan_events import SubsidyAllocated
from ledger.plan_steps import MATTER_OF
from ledger.refusals import Reason, refuse
from ledger.rmb import rmb

WIDTHS: Final = (25, 26, 25, 26)
_STANDARDS: Final = ("序号", "补助（资助）标准（元/人）", "人数", "金额（元）")
_HELD: Final = ("名册序号", "未分配金额（元）", "原因")
_HANDS: Final = {"applied": "经办人／日期", "approved": "核定人／日期", "reviewed": "复核人／日期"}


def payment_notice(papers: Papers) -> Form:
    """What the payer owes, by standard, and how it is paid."""
    what = f"{papers.year}年度城乡居民基本养老保险{papers.kind}"
    asked = f"{papers.organisation.addressed}申报的{what}已经复核，请按下列金额足额缴费。"
    paying = f"缴费方式：{papers.payment_clause}。" if papers.payment_clause else ""
    above: list[Row] = [
        (Cell(Role.LINE, f"{papers.organisation.name}：", 4),),
        (Cell(Role.PARAGRAPH, asked + paying, 4),),
    ]
    return _due(papers, above, [])


def receivable(papers: Papers) -> Form:
    """What is due, by standard, and who worked it out and reviewed it."""
    roster = papers.roster.roster if papers.roster else ""
    taken = {one.name: one for one in papers.state.taken(MATTER_OF[papers.state.drafted.kind], roster)}
    hands = [
        (label, f"{taken[name].person}　{chinese_date(taken[name].on)}")
        for name, label in _HANDS.items()
        if name in taken
    ]
    return _due(papers, [], hands)


def _due(papers: Papers, above: list[Row], hands: list[tuple[str, str]]) -> Form:
    """Both of them: the payer, the standards, the sum in figures and words."""
    assert papers.roster is not None
    filed = filed_of(papers.amounts)
    payer = papers.organisation
    pairs = [
        ("缴费人" if payer.is_person else "缴费单位", payer.name), (payer.code_label, payer.code),
        *([("集体补助村编号", payer.village_number)] if papers.place.village and not payer.is_person else []),
        *([] if payer.is_person else [("纳税人识别号", payer.tax_number), ("社保编码", payer.social_code)]),
        ("费款所属期", f"{papers.year}年度"), ("征收品目", papers.kind), *hands,
    ]  # fmt: skip
    title = papers.filled(papers.rule.title)
    top = [*title_rows(title, 4), *above, *_pairs(pairs)]
    body = list(_standards(filed))
    fen = sum(one.total for one in filed)
    persons = sum(one.persons for one in filed)
    total: list[Row] = [
        (Cell(Role.LABEL, "合计", 2), Cell(Role.COUNT, persons), Cell(Role.MONEY, fen)),
        (Cell(Role.LABEL, "应缴金额（大写）"), Cell(Role.TEXT, f"人民币{rmb(fen)}", 3)),
    ]
    return Form(
        rule=papers.rule,
        title=one_line(title),
        widths=WIDTHS,
        rows=(*top, *body, *total, *closing_rows(papers, 4)),
        head=len(top),
        body=(len(top) + 1, len(top) + len(body) - 1),
        persons=persons,
        fen=fen,
        trace=papers.trace,
    )


def _pairs(pairs: list[tuple[str, str]]) -> Iterator[Row]:
    """Labels with their values, two in a row."""
    for place in range(0, len(pairs), 2):
        couple = pairs[place : place + 2]
        if len(couple) == 2:
            yield tuple(cell for label, value in couple for cell in (Cell(Role.LABEL, label), Cell(Role.NUMBER, value)))
        else:
            yield Cell(Role.LABEL, couple[0][0]), Cell(Role.NUMBER, couple[0][1], 3)


def _standards(filed: list[Filed]) -> Iterator[Row]:
    yield tuple(Cell(Role.HEAD, name) for name in _STANDARDS)
    for place, one in enumerate(filed, 1):
        yield (
            Cell(Role.COUNT, place),
            Cell(Role.MONEY, one.fen),
            Cell(Role.COUNT, one.persons),
            Cell(Role.MONEY, one.total),
        )


def arrival_letter(papers: Papers) -> Form:
    """What arrived, what was credited, and what is held with its reason."""
    came = papers.allocation
    assert came is not None
    held = came.received - came.credited
    what = f"{papers.year}年度城乡居民基本养老保险{papers.kind}资金"
    told = f"{papers.organisation.addressed}缴存的{what}已经到账，到账及记入个人账户的情况函告如下："
    title = papers.filled(papers.rule.title)
    rows: list[Row] = [
        *title_rows(title, 4),
        (Cell(Role.LINE, f"{papers.organisation.name}：", 4),),
        (Cell(Role.PARAGRAPH, told, 4),),
        *_pairs([(papers.organisation.code_label, papers.organisation.code), ("缴存凭证号", came.voucher)]),
        (Cell(Role.LABEL, "到账日期"), Cell(Role.TEXT, chinese_date(came.on)),
         Cell(Role.LABEL, "到账金额（元）"), Cell(Role.MONEY, came.received)),
        (Cell(Role.LABEL, "到账金额（大写）"), Cell(Role.TEXT, f"人民币{rmb(came.received)}", 3)),
        (Cell(Role.LABEL, "记入个人账户人数"), Cell(Role.COUNT, came.rows),
         Cell(Role.LABEL, "记入个人账户金额（元）"), Cell(Role.MONEY, came.credited)),
        (Cell(Role.LABEL, "未分配人数"), Cell(Role.COUNT, len(came.unallocated)),
         Cell(Role.LABEL, "未分配金额（元）"), Cell(Role.MONEY, held)),
    ]  # fmt: skip
    head = len(rows) if came.unallocated else None
    rows += _held(came, papers.lines)
    rows.append((Cell(Role.PARAGRAPH, "特此函告。", 4),))
    return Form(
        rule=papers.rule,
        title=one_line(title),
        widths=WIDTHS,
        rows=(*rows, *closing_rows(papers, 4)),
        head=head,
        persons=came.rows,
        fen=came.received,
        trace=papers.trace,
    )


def _held(came: SubsidyAllocated, lines: tuple[int, ...]) -> Iterator[Row]:
    """The rows whose money is held: by their place on the list, without a name."""
    if not came.unallocated:
        return
    place_of = {line: place for place, line in enumerate(lines, 1)}
    yield tuple(Cell(Role.HEAD, name, span) for name, span in zip(_HELD, (1, 1, 2), strict=True))
    for one in came.unallocated:
        why = refuse(Reason(one.reason), "").rule
        yield Cell(Role.COUNT, place_of[one.line]), Cell(Role.MONEY, one.fen), Cell(Role.TEXT, why, 2)
