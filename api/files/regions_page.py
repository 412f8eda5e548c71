"""`docs/regions.md`: what differs between regions, side by side, its procedure, its forms; made from the rules."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.forms.rules import NAMES, STANDINGS, read_forms
from ledger.forms.sheet import one_line
from ledger.procedure import ACTORS, EVIDENCE, MATTERS, OBJECTS, Procedure, Step, read_procedures
from ledger.region_rules import METHODS, REGIONS, RegionRules, read_rules

_HEAD = """# The regions

Made from `ledger/rules/` by `pension-ledger rules table`; a test holds this page against the files. A value says in
brackets how sure it is where no stored text states it (推定 inferred, 假定 assumed). Figures of law are entered by each
pool with their document and stand in no file.
"""


def regions_page(year: int) -> str:
    """The page for the rules in force in a year."""
    steps = (line for region in REGIONS for line in (*_steps(region), *_forms(region)))
    return "\n".join([_HEAD, *_values(year), *steps])


def _values(year: int) -> Iterator[str]:
    rules = [RegionRules(read_rules(region), (), 0) for region in REGIONS]
    yield f"## Values in force in {year}\n"
    yield "| | " + " | ".join(one.files[0].title for one in rules) + " |"
    yield "|---" * (len(rules) + 1) + "|"
    for name in METHODS:
        cells = [f"{one.text(name, year)}<br>{one.citation(name, year)}" for one in rules]
        yield f"| `{name}` | " + " | ".join(cells) + " |"
    yield ""


def _steps(region: str) -> Iterator[str]:
    title = read_rules(region)[0].title
    for matter, chain in read_procedures(region).items():
        yield f"## {title}：{MATTERS[matter]}\n"
        yield "| 步骤 | 对象 | 办理 | 材料 | 前一步骤 | 期限 | 依据 |"
        yield "|---" * 7 + "|"
        for step in chain.steps.values():
            cells = [
                f"{step.title}<br>`{step.name}`",
                OBJECTS[step.object],
                ACTORS[step.actor],
                "、".join(EVIDENCE[name] for name in step.evidence),
                "、".join(chain.steps[name].title for name in step.after),
                "；".join(limits(step, chain)),
                step.citation,
            ]
            yield "| " + " | ".join(cells) + " |"
        yield ""


def _forms(region: str) -> Iterator[str]:
    procedures = read_procedures(region)
    yield f"## {read_rules(region)[0].title}：表格\n"
    yield "| 表格 | 事项 | 名称 | 须先办理 | 表样 | 依据 |"
    yield "|---" * 6 + "|"
    for form in read_forms(region).forms.values():
        steps = procedures[form.matters[0]].steps
        cells = [
            f"{NAMES[form.name]}<br>`{form.name}`",
            "、".join(MATTERS[matter] for matter in form.matters),
            one_line(form.title).format(
                kind="／".join(MATTERS[matter] for matter in form.matters), place="XX乡（镇、街道）XX村（社区）"
            ),
            "、".join(steps[name].title for name in form.after),
            STANDINGS[form.standing].removeprefix("注：") or "文件所附",
            form.citation,
        ]
        yield "| " + " | ".join(cells) + " |"
    yield ""


def limits(step: Step, chain: Procedure) -> list[str]:
    """What bounds a step in time and in hands, in words."""
    told = []
    if step.public_days:
        told.append(f"公示不少于{step.public_days}个工作日")
    if step.within:
        told.append(f"前一步骤后{step.within}个工作日内")
    if step.until:
        month, day = step.until.split("-")
        told.append(f"当年{int(month)}月{int(day)}日前")
    if step.apart_from:
        told.append(f"与{'、'.join(chain.steps[name].title for name in step.apart_from)}分人办理")
    return told
