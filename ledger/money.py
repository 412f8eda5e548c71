"""Amounts between the outside (yuan text with two decimals, 人民币大写) and the inside (integer fen).

The way there and back is exact and never leads through a float.
"""

from __future__ import annotations

import re
from typing import Final

from ledger.identity import harmless
from ledger.rmb import RmbFault, in_words, parse_rmb

MAX_YUAN_DIGITS: Final = 15
"""More digits before the point are a fault: with two decimals they still fit a 64-bit integer of fen."""

_AMOUNT: Final = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", re.ASCII)
_DECIMALS_OF_WAN: Final = 6
"""Decimals of an amount in 万元 that is exact to the fen."""
_HALF_WIDTH: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x2212: "-"}


class MoneyFault(ValueError):  # noqa: N818 — a fault of the input, not of the program
    """A text that is not an amount of yuan; the message says why and never repeats what could be somebody's number."""


def yuan_to_fen(text: str) -> int:
    """The fen of an amount in yuan: `1234.5`, `1,234.50`, `１２３`, `+5`, `-0.01`, spaces around, `100.000`; 叁佰元整.

    Raises `MoneyFault` for more than two decimals (zeros beyond them are allowed), more than 15 digits before the
    point, wrongly grouped thousands, exponents, an empty text, and 人民币大写 against its rule, which names the right
    form. Nothing is rounded.
    """
    whole, point, decimals = text.partition(".")
    if whole.isdigit() and len(whole) <= MAX_YUAN_DIGITS and text.isascii():
        if not point:
            return int(whole) * 100
        if decimals.isdigit():
            if len(decimals) == 2:
                return int(whole + decimals)
            if len(decimals) == 1:
                return int(whole + decimals) * 10
    return _parse_slowly(text)


def fen_to_yuan(fen: int) -> str:
    """The amount in yuan with two decimals and no grouping: `-1234.50`."""
    if fen >= 0:
        return f"{fen // 100}.{fen % 100:02d}"
    return f"-{-fen // 100}.{-fen % 100:02d}"


def fen_to_yuan_grouped(fen: int) -> str:
    """The amount in yuan with two decimals and thousands grouped, for people: `1,234.50`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def wan_to_fen(text: str) -> int:
    """The fen of an amount as a form states it in 万元: `3.69`, up to six decimals; in 人民币大写, of yuan.

    Raises `MoneyFault`.
    """
    plain = text.translate(_HALF_WIDTH).strip().removesuffix("万元")
    found = _AMOUNT.fullmatch(plain)
    if found is None and in_words(plain):
        return _read_words(plain)
    if found is None or found[1]:
        raise MoneyFault(f"金额{harmless(plain)}不是以万元为单位的数字，请写成 3.69 的样子")
    decimals = (found[3] or "").rstrip("0")
    if len(decimals) > _DECIMALS_OF_WAN:
        raise MoneyFault(f"金额{harmless(plain)}万元的小数超过六位（最小到分）")
    whole = found[2].replace(",", "").lstrip("0") or "0"
    if len(whole) > MAX_YUAN_DIGITS - 4:
        raise MoneyFault("金额整数部分过长，请核对单位是否为万元")
    return int(whole + decimals.ljust(_DECIMALS_OF_WAN, "0"))


def fen_to_wan(fen: int) -> str:
    """The amount in 万元, exactly and no longer than it must be: `3.69` of 36,900 yuan. Not for negative amounts."""
    whole, rest = divmod(fen, 10**_DECIMALS_OF_WAN)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _read_words(plain: str) -> int:
    try:
        return parse_rmb(plain)
    except RmbFault as fault:
        right = f"，应写成“{fault.right}”" if fault.right else "，请写成 1234.50 或 壹仟贰佰叁拾肆元伍角 的样子"
        raise MoneyFault(f"金额的人民币大写不合规则{right}") from fault


def _parse_slowly(text: str) -> int:
    """The same decision for texts that are not plain digits, and the reason for those that are wrong."""
    plain = text.translate(_HALF_WIDTH).strip()
    if not plain:
        raise MoneyFault("金额为空，请填写以元为单位的金额，例如 1234.50")
    found = _AMOUNT.fullmatch(plain)
    if found is None and in_words(plain):
        return _read_words(plain)
    if found is None:
        raise MoneyFault(f"金额{harmless(plain)}不是以元为单位的数字，请写成 1234.50 的样子")
    sign, whole, decimals = found[1], found[2].replace(",", ""), (found[3] or "").rstrip("0")
    if len(decimals) > 2:
        raise MoneyFault(f"金额{harmless(plain)}的小数超过两位（最小到分），请改为两位小数")
    whole = whole.lstrip("0") or "0"
    if len(whole) > MAX_YUAN_DIGITS:
        raise MoneyFault(f"金额整数部分超过 {MAX_YUAN_DIGITS} 位，请核对是否填错了列")
    fen = int(whole + decimals.ljust(2, "0"))
    return -fen if sign == "-" else fen
