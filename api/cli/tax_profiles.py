"""`pension-ledger tax profiles`: the formats in which others send their files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import console
from api.cli.options import Json
from api.cli.profile_option import chosen_profile
from ledger.exchange_layout import LAYOUTS
from ledger.exchange_profile import DEFAULT, TOTALS, Format, Profile, read_profile, shipped_names, shipped_profile
from ledger.refusals import Refusal, Refused
from ledger.region_rules import CONFIDENCE

app = typer.Typer(help="交换文件的格式", no_args_is_help=True)


@app.command("list")
def list_profiles(json: Json = False) -> None:
    """列出随软件提供的格式。"""
    profiles = [shipped_profile(name) for name in shipped_names()]
    if json:
        console.say_json([{"name": one.name, "title": one.title, "kinds": list(one.formats)} for one in profiles])
        return
    for one in profiles:
        kinds = "、".join(LAYOUTS[sort].title for sort in one.formats)
        console.answer(f"{one.name}  {one.title}：{kinds}{'（默认）' if one.name == DEFAULT else ''}")


@app.command()
def show(
    profile: Annotated[str, typer.Argument(help="格式名称或 .toml 格式文件", metavar="格式")],
    json: Json = False,
) -> None:
    """列出一个格式的列名、代码对照与批次表头。"""
    shown = chosen_profile(profile)
    if json:
        formats = {sort: _as_json(one) for sort, one in shown.formats.items()}
        console.say_json({"name": shown.name, "title": shown.title, **formats})
    else:
        _tell(shown)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help=".toml 格式文件", exists=True, dir_okay=False, readable=True)],
) -> None:
    """检查一个格式文件。"""
    profile = read_profile(file)
    if isinstance(profile, Refusal):
        raise Refused(profile)
    kinds = "、".join(f"{LAYOUTS[sort].title}{len(one.columns)}列" for sort, one in profile.formats.items())
    console.answer(f"{file.name}：格式 {profile.name}，{kinds}，无误")


def _as_json(one: Format) -> dict[str, Any]:
    return {
        "columns": {name: list(headers) for name, headers in one.columns.items()},
        "fixed": dict(one.fixed),
        "values": {name: dict(codes) for name, codes in one.values.items()},
        "labels": {word: list(said) for word, said in one.labels._asdict().items()},
        "batch_header": "required" if one.required else "optional",
        "total": one.total,
        "confidence": one.confidence,
        "rests_on": one.rests_on,
    }


def _tell(profile: Profile) -> None:
    console.answer(f"{profile.name}  {profile.title}")
    for one in profile.formats.values():
        sure = f"〔{CONFIDENCE[one.confidence]}〕{one.rests_on}" if one.rests_on else ""
        console.answer(f"{one.layout.title}：{sure}")
        for name, headers in one.columns.items():
            must = "" if name in one.layout.required else "（可无）"
            console.answer(f"  {name}{must} ← {' 或 '.join(headers)}")
        for name, said in one.fixed.items():
            console.answer(f"  {name} = {said}（固定）")
        for name, codes in one.values.items():
            console.answer(f"  {name}代码：{'、'.join(f'{code} = {word}' for code, word in codes.items())}")
        labels = "；".join("、".join(said) for said in one.labels if said)
        console.answer(f"  批次表头（{'必须有' if one.required else '可无'}）：{labels or '不读'}")
        if one.labels.total and one.layout.data_type:
            console.answer(f"  总金额：{TOTALS[one.total]}（total = {one.total}）")
