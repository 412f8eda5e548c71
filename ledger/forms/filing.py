"""备案表 (S0 附件5): so many members at so many yuan each make so many 万元, checked for each standard.

The same check holds for a form that comes in (figures given with the payer's registration) and for one that is printed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ledger.forms.sheet import NO_DATE, Cell, Form, Papers, Role, Row, lines, one_line, title_rows
from ledger.money import MoneyFault, fen_to_wan, fen_to_yuan, yuan_to_fen
from ledger.refusals import Reason, Refusal, refuse
from ledger.rmb import rmb

WIDTHS: Final = (14, 12, 14, 8, 18, 12, 20)
_BLANK: Final = "______"
_FILED: Final = re.compile(r"\s*([0-9]{1,7})\s*(?:名|人)?\s*[x×*X]\s*(.+)")


class Filed(NamedTuple):
    """So many members (`persons`) at `fen` each."""

    persons: int
    fen: int

    @property
    def total(self) -> int:
        """What they come to (fen)."""
        return self.persons * self.fen


def read_filed(text: str) -> Filed:
    """`123x300`: persons and yuan each. Raises `MoneyFault`."""
    found = _FILED.fullmatch(text)
    if found is None:
        raise MoneyFault("备案标准须写成 人数x元，例如 123x300")
    filed = Filed(int(found[1]), yuan_to_fen(found[2].strip().removesuffix("元/人")))
    if not filed.persons or filed.fen <= 0:
        raise MoneyFault("备案标准的人数和金额须大于零")
    return filed


def filing_fault(filed: Sequence[Filed], total: int, clause: str) -> Refusal | None:
    """Whether persons × yuan add up to the total (fen), exactly. Reasons: FILING."""
    made = sum(one.total for one in filed)
    if made == total:
        return None
    value = f"合计{fen_to_wan(total)}万元（{fen_to_yuan(total)}元）"
    products = "＋".join(f"{one.persons}名×{fen_to_yuan(one.fen)}元/人" for one in filed)
    rule = f"{products}＝{fen_to_yuan(made)}元，即{fen_to_wan(made)}万元"
    return refuse(Reason.FILING, value, rule=rule, clause=clause)


def filed_text(filed: Sequence[Filed]) -> str:
    """What was filed, as it is kept with the payer's document."""
    total = sum(one.total for one in filed)
    products = "，".join(f"{one.persons}名×{fen_to_yuan(one.fen)}元/人" for one in filed)
    return f"备案{products}，合计{fen_to_wan(total)}万元（{rmb(total)}）"


def filed_of(amounts: Iterable[int]) -> list[Filed]:
    """The standards of a roster by its amounts (fen), the highest first."""
    counted = Counter(amounts)
    return [Filed(counted[fen], fen) for fen in sorted(counted, reverse=True)]


def filing_form(papers: Papers) -> Form | Refusal:
    """The form of a payer, with a sentence for each standard of the roster. Reasons: FILING."""
    filed = filed_of(papers.amounts)
    total = papers.roster.fen if papers.roster else 0
    if fault := filing_fault(filed, total, papers.rule.citation):
        return fault
    sentences = [
        _sentence(papers.organisation.name, str(one.persons), _plain_yuan(one.fen), fen_to_wan(one.total))
        for one in filed
    ] or [_sentence(_BLANK, _BLANK, _BLANK, _BLANK)]
    width = len(WIDTHS)
    title = papers.filled(papers.rule.title)
    box = ["", *sentences, "", "　" * 27 + "负责人（签字）：", "　" * 27 + "单位盖章", "　" * 27 + NO_DATE, ""]
    rows: list[Row] = [
        *title_rows(title, width),
        *_about(papers),
        *((Cell(Role.BOX, line, width),) for line in box),
        *lines(papers.rule.closing, width, Role.NOTE),
    ]
    return Form(
        rule=papers.rule,
        title=one_line(title),
        widths=WIDTHS,
        rows=tuple(rows),
        persons=sum(one.persons for one in filed) if filed else None,
        fen=total if filed else None,
        trace=papers.trace,
    )


def _about(papers: Papers) -> Iterable[Row]:
    """Who files; the persons in charge are written in by hand, the ledger does not keep them."""
    place = f"{papers.place.county}{papers.place.township}"
    yield (
        Cell(Role.LABEL, "填表日期"),
        Cell(Role.CENTRED, NO_DATE, 3),
        Cell(Role.LABEL, "统一社会信用代码"),
        Cell(Role.NUMBER, papers.organisation.code, 2),
    )
    for label, value in (
        ("组织名称", papers.organisation.name),
        ("所属区、镇（街道）", place),
        ("地　址", ""),
    ):
        yield Cell(Role.LABEL, label, 2), Cell(Role.TEXT, value, 5)
    for place_in_group, label in enumerate(("姓　名", "证件号码", "联系电话")):
        first = place_in_group == 0
        yield (
            Cell(Role.LABEL, "法人信息", down=3) if first else Cell(Role.COVERED),
            Cell(Role.LABEL, label),
            Cell(Role.NUMBER, "", 2),
            Cell(Role.LABEL, "经办人信息", down=3) if first else Cell(Role.COVERED),
            Cell(Role.LABEL, label),
            Cell(Role.NUMBER, ""),
        )


def _sentence(who: str, persons: str, each: str, total: str) -> str:
    return f"　　经研究，{who}为{persons}名本集体经济组织成员按照{each}元/人标准补助城乡居民养老保险费{total}万元。"


def _plain_yuan(fen: int) -> str:
    """300 of 300.00 yuan, 24.50 as it is."""
    return fen_to_yuan(fen).removesuffix(".00")
