"""`docs/regions.md`: what differs between regions, side by side, and each one's procedure; made from the rules."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.procedure import ACTORS, EVIDENCE, MATTERS, OBJECTS, Procedure, Step, read_procedures
from ledger.region_rules import METHODS, REGIONS, RegionRules, read_rules

_HEAD = """# The regions

Made from `ledger/rules/` by `pension-ledger rules table`; a test holds this page against the files. A value says in
brackets how sure it is where no stored text states it (推定 inferred, 假定 assumed). Figures of law are entered by each
pool with their document and stand in no file.
"""


def regions_page(year: int) -> str:
    """The page for the rules in force in a year."""
    return "\n".join([_HEAD, *_values(year), *(line for region in REGIONS for line in _steps(region))])


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
