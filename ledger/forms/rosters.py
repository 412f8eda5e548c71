"""申报表 (S0 附件3), and the 名册 of S2 and S3 in its columns: the persons of a roster, or an empty one to fill in.

Their columns are the ones that are read back when the roster is declared.
"""

from __future__ import annotations

from typing import Final

from ledger.forms.rules import TOTAL
from ledger.forms.sheet import Cell, Choice, Form, Papers, Role, Row, closing_rows, lines, one_line, title_rows
from ledger.identity import Sex, sex_of
from ledger.money import fen_to_yuan
from ledger.rmb import rmb

COLUMNS: Final = ("序号", "姓名", "性别", "公民身份号码", "补助金（资助）金额", "补助或资助类型")
WIDTHS: Final = (7, 16, 7, 24, 22, 18)
_BLANK: Final = (Role.COUNT, Role.TEXT, Role.CENTRED, Role.NUMBER, Role.MONEY, Role.CENTRED)


def roster_form(papers: Papers) -> Form:
    """The persons of the roster, in the order of its lines; blank rows where there is none."""
    width, rule = len(COLUMNS), papers.rule
    top: list[Row] = [*title_rows(papers.filled(rule.title), width)]
    top += lines([papers.filled(line) for line in rule.above], width)
    head = len(top)
    top.append(tuple(Cell(Role.HEAD, name) for name in COLUMNS))
    fen = sum(one.fen for one in papers.people)
    if papers.roster is None:
        body: list[Row] = [tuple(Cell(role) for role in _BLANK) for _ in range(papers.blank)]
    else:
        body = [
            (
                Cell(Role.COUNT, place),
                Cell(Role.TEXT, one.name),
                Cell(Role.CENTRED, _sex(one.number)),
                Cell(Role.NUMBER, one.number),
                Cell(Role.MONEY, one.fen),
                Cell(Role.CENTRED, papers.kind),
            )
            for place, one in enumerate(papers.people, 1)
        ]
    below: list[Row] = []
    if papers.roster is not None and rule.standing != "official":
        told = f"{TOTAL}{len(papers.people)}人，{fen_to_yuan(fen)}元，人民币（大写）{rmb(fen)}"
        below += lines([told], width)
    below += closing_rows(papers, width)
    return Form(
        rule=rule,
        title=one_line(papers.filled(rule.title)),
        widths=WIDTHS,
        rows=(*top, *body, *below),
        head=head,
        body=(head + 1, head + len(body)),
        choices=(Choice(2, ("男", "女")), Choice(3), Choice(5, (papers.kind,))) if papers.roster is None else (),
        persons=len(papers.people) if papers.roster else None,
        fen=fen if papers.roster else None,
        trace=papers.trace,
    )


def _sex(number: str) -> str:
    if not number:
        return ""
    return "男" if sex_of(number) is Sex.MALE else "女"
