"""实施方案 in the words of S2 附件2 (参考样式), with the plan's own standard and sources."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ledger.forms.sheet import NO_DATE, Cell, Form, Papers, Role, Row, closing_rows, one_line, title_rows
from ledger.money import fen_to_yuan
from ledger.plan_events import Source, Standard
from ledger.roster import GROUPS

WIDTHS: Final = (22, 22, 22, 22)
_NUMERALS: Final = "一二三四五六七八九十"

_PREAMBLE: Final = (
    "根据{document}文件精神，为做好我村（社区）居民参加城乡居民基本养老保险缴费集体经济补助工作，鼓励参保群众早缴费、多缴费、"
    "长缴费、多收益，让村民共享村集体经济发展成果，助力全面实施乡村振兴战略，促进全村（社区）共同富裕，经集体经济组织成员大会"
    "（或成员代表大会）讨论表决同意，在我村（社区）开展集体经济补助城乡居民基本养老保险参保缴费试点工作，特制定如下实施方案："
)
_COVERED: Final = (
    "村集体经济补助对象为{covered}，且参加城乡居民基本养老保险并正常缴费（含特殊群体政府代缴人员）。其中，办理城乡居民基本养老"
    "保险一次性补缴的参保人员，补缴年度不享受集体补助。"
)
_TIERED: Final = "对村集体经济组织一般成员，实行激励缴费梯次补助，补助标准与个人缴费挂钩，多缴多补。"
_YEARLY: Final = "补助标准可根据村集体经济当年收益情况按年动态调整。"
_DEMANDS: Final = (
    "实施城乡居民基本养老保险村集体经济补助，对鼓励参保对象选择高档次缴费，提高城乡居民基本养老保险个人账户积累和养老保障水平，"
    "增加集体经济组织成员长期稳定收入具有十分重要的意义，是村集体经济回馈组织成员、全面助力乡村振兴战略实施、促进共同富裕的有效"
    "举措。理事会要严格按章程要求，召开村民代表大会，实行民主决策程序。对补助对象、补助标准及当年村集体经济收入用于城乡居民基本"
    "养老保险集体补助的比例，经村民代表表决通过后，在全村公开，做到补助合理、程序合法。"
)


def plan_text(papers: Papers) -> Form:
    """The plan as the assembly votes on it."""
    drafted, width = papers.state.drafted, len(WIDTHS)
    title = papers.filled(papers.rule.title)
    texts = (
        (Role.PARAGRAPH, _PREAMBLE.format(document=f"《{papers.rule.document}》")),
        (Role.HEADING, "一、补助对象"),
        (Role.PARAGRAPH, _COVERED.format(covered=drafted.covered)),
        (Role.HEADING, "二、补助标准"),
        (Role.PARAGRAPH, "".join(_standard(drafted.standard)) + _YEARLY),
        (Role.HEADING, "三、资金来源"),
        (Role.PARAGRAPH, _sources(drafted.sources)),
        (Role.HEADING, "四、工作要求"),
        (Role.PARAGRAPH, _DEMANDS),
        (Role.END, f"{papers.place.village}委员会"),
        (Role.END, NO_DATE),
    )
    rows: list[Row] = [*title_rows(title, width), *((Cell(role, text, width),) for role, text in texts)]
    rows += closing_rows(papers, width)
    return Form(
        rule=papers.rule,
        title=one_line(title),
        widths=WIDTHS,
        rows=tuple(rows),
        fen=sum(one.fen for one in drafted.sources),
        trace=papers.trace,
    )


def _standard(standard: Standard) -> Iterator[str]:
    """The groups that have an amount of their own, then everybody else."""
    by_amount: dict[int, list[str]] = {}
    for group, name in GROUPS.items():
        if group in standard.groups:
            by_amount.setdefault(standard.groups[group], []).append(name)
    for fen, names in by_amount.items():
        yield f"对{'、'.join(names)}等缴费困难群体补助标准为每人{_yuan(fen)}元/年。"
    if standard.tiers:
        spans = [
            f"对当年个人缴费标准{_yuan(one.from_fen)}元至{_yuan(one.to_fen)}元的，每人补助{_yuan(one.fen)}元/年"
            for one in standard.tiers
        ]
        yield _TIERED + "；".join(spans) + "。"
    elif standard.share:
        yield f"对村集体经济组织一般成员，按本人当年个人缴费的{_percent(standard.share)}补助。"
    else:
        yield f"对村集体经济组织一般成员，补助标准为每人{_yuan(standard.flat)}元/年。"


def _sources(sources: tuple[Source, ...]) -> str:
    """资金来源有X方面：each with its share of the income and its amount, and what they come to."""
    count = {1: "一", 2: "两"}.get(len(sources)) or _numeral(len(sources))
    each = "；".join(
        f"{_numeral(place)}是{one.name}{_percent(one.share) + '计' if one.share else ''}{_yuan(one.fen)}元"
        for place, one in enumerate(sources, 1)
    )
    total = _yuan(sum(one.fen for one in sources))
    return f"资金来源有{count}方面，{each}；{count}项资金合计{total}元，全部用于当年城乡居民基本养老保险集体补助。"


def _numeral(number: int) -> str:
    return _NUMERALS[number - 1] if number <= len(_NUMERALS) else str(number)


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).normalize():f}%"


def _yuan(fen: int) -> str:
    return fen_to_yuan(fen).removesuffix(".00")
