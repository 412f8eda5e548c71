"""人民币大写: the one form that forms print, and the forms that are accepted on input.

《正确填写票据和结算凭证的基本规定》: 整 (or 正) stands after 元 and may stand after 角, never after 分; ten is 壹拾;
zeros in the middle become one 零; where the 元 digit is 0 before 角, or the 万 digit is 0 before 仟, 零 may be
left out. Printed is the first of the official forms: 整, none of it after 角, 零 before 角, no 零 before 仟. In fen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from ledger.identity import squeezed

FEN_MAX: Final = 10**14 - 1
"""Below 壹万亿元: the groups above have no agreed name."""
_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("仟", "佰", "拾", "")
_GROUPS: Final = ("亿", "万", "")
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_NUMBER: Final = f"[{_DIGITS}仟佰拾万亿]+"
_TEXT: Final = re.compile(
    rf"(?:人民币[:：]?)?(?:(?P<yuan>{_NUMBER})元)?(?:零?(?P<jiao>[{_DIGITS[1:]}])角)?(?:零?(?P<fen>[{_DIGITS[1:]}])分)?整?"
)

_WORDS: Final = f"[{_DIGITS}仟佰拾万亿元圆角分整正]*"
_IN_WORDS: Final = re.compile(rf"(?:人民币[:：]?)?{_WORDS}[{_DIGITS}拾]{_WORDS}")


class RmbFault(ValueError):  # noqa: N818 — a fault of the input, not of the program
    """A text that is no amount in 人民币大写, or is written against the rule; text in Chinese.

    `right` is how the amount is written by the rule, empty where none can be made out.
    """

    def __init__(self, text: str, right: str = "") -> None:
        super().__init__(text)
        self.right = right


def in_words(text: str) -> bool:
    """Whether an amount is written in words, well or badly: in their characters alone, at least one of them a digit."""
    return _IN_WORDS.fullmatch(squeezed(text)) is not None


def rmb(fen: int) -> str:
    """The amount (fen, 0 to `FEN_MAX`) as forms print it, without the prefix 人民币. Raises ValueError."""
    if not 0 <= fen <= FEN_MAX:
        raise ValueError(f"{fen} fen cannot be written")
    return next(_forms(fen))


def parse_rmb(text: str) -> int:
    """The fen of an amount in any accepted form, with or without 人民币 before it. Raises `RmbFault`."""
    plain = squeezed(text).replace("圆", "元").replace("正", "整")
    found = _TEXT.fullmatch(plain)
    if found is None or not plain:
        raise RmbFault(f"“{text}”不是人民币大写金额")
    yuan, jiao, cents = found.group("yuan", "jiao", "fen")
    fen = 100 * _number(yuan or "") + 10 * _VALUES[jiao or "零"] + _VALUES[cents or "零"]
    written = re.sub(r"^人民币[:：]?", "", plain)
    if fen > FEN_MAX or written not in _forms(fen):
        right = rmb(fen) if fen <= FEN_MAX else ""
        right = right if _said(right) == _said(written) else ""
        raise RmbFault(f"“{text}”不合人民币大写规则{f'，应为“{right}”' if right else ''}", right)
    return fen


def _forms(fen: int) -> Iterator[str]:
    """Every accepted form; the first is the one that is printed."""
    yuan, jiao, cents = fen // 100, fen // 10 % 10, fen % 10
    before_jiao = ("零", "") if yuan and yuan % 10 == 0 and jiao else ("",)
    tail = ("", "整") if jiao and not cents else ("",) if cents else ("整",)
    for zero, zero_before, end in product(("", "零"), before_jiao, tail):
        text = _whole(yuan, zero) + "元" if yuan or not (jiao or cents) else ""
        text += zero_before + _DIGITS[jiao] + "角" if jiao else "零" if text and cents else ""
        yield text + (_DIGITS[cents] + "分" if cents else "") + end


def _whole(yuan: int, zero_before_thousands: str) -> str:
    """Whole yuan. Between two groups stands 零 where a digit is missing; before 仟 as it is given."""
    if yuan == 0:
        return "零"
    text, gap = "", False
    for place, name in enumerate(_GROUPS):
        group = yuan // 10 ** (4 * (2 - place)) % 10_000
        if group == 0:
            gap = bool(text)
            continue
        if text and (gap or group < 1_000):
            text += "零"
        elif text and text[-2] in "拾佰仟":  # the digit before this group's name is 0
            text += zero_before_thousands
        text += _group(group) + name
        gap = False
    return text


def _group(group: int) -> str:
    """Four digits, zeros inside them as one 零, none at the end."""
    text = ""
    for place, digit in zip(_PLACES, f"{group:04d}", strict=True):
        if digit != "0":
            text += _DIGITS[int(digit)] + place
        elif text and not text.endswith("零"):
            text += "零"
    return text.rstrip("零")


def _said(text: str) -> str:
    """The digits of an amount without its zeros, and ten as it is spoken: two forms of one amount say the same."""
    return "".join(one for one in text.replace("壹拾", "拾") if one in _DIGITS[1:] or one == "拾")


def _number(text: str) -> int:
    """What digits and places say, however they are put; whether they are put rightly is asked afterwards."""
    total = group = digit = 0
    for character in text:
        if character in _VALUES:
            digit = _VALUES[character]
        elif character in "万亿":
            total += (group + digit) * (10_000 if character == "万" else 100_000_000)
            group = digit = 0
        else:
            spoken = 1 if character == "拾" and not digit and not group else digit  # 拾元整 for 壹拾元整
            group += spoken * 10 ** (3 - _PLACES.index(character))
            digit = 0
    return total + group + digit
