"""`--profile`: the format in which the sender of a file of the exchange writes it."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.exchange_profile import DEFAULT, Profile, find_profile
from ledger.refusals import Refusal, Refused

ProfileName = Annotated[
    str, typer.Option("--profile", help="文件格式：随软件提供的名称，或 .toml 格式文件", metavar="格式")
]
DEFAULT_PROFILE = DEFAULT


def chosen_profile(said: str) -> Profile:
    """The profile an operator names. Raises `Refused` (PROFILE)."""
    profile = find_profile(said)
    if isinstance(profile, Refusal):
        raise Refused(profile)
    return profile
