"""Who a row means: citizen numbers (公民身份号码, GB 11643) and unified social credit codes (GB 32100).

Decides whether a number can exist, and the one spelling under which it is digested and compared. Whether it was issued,
and to whom, is not decided here. Historic region codes are accepted (绍兴县 330621 became 柯桥区 330603), as are the
18-digit numbers of 港澳台居民居住证 (81, 82, 83) and of 外国人永久居留身份证 since 2023 (9): all share one structure.

No message of this module holds a number, so a fault may be printed, logged and written into a result file.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

EARLIEST_BIRTH_YEAR: Final = 1850
LATEST_BIRTH_YEAR: Final = 2100

# GB 11643 §4.2: weights of the first 17 digits, and the check character for each remainder modulo 11.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
# GB 32100: the alphabet leaves out I, O, S, V and Z; weights are the powers of 3 modulo 31.
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES: Final = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
# GB 2260: the first two digits of a place in China; 10 is the state's own registry.
_PROVINCE: Final = re.compile(r"1[0-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")
_DONOR_CODE: Final = re.compile(r"PERSON-[A-Z2-7]{16}")
# GB 11714: the organisation code inside (places 9 to 17) counts letters as A = 10 to Z = 35.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)

# Full-width forms become half-width; what is invisible but often pasted along (zero-width, direction marks) goes.
_HALF_WIDTH: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_INVISIBLE: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF))
_PLAIN: Final[dict[int, int | None]] = {**_HALF_WIDTH, **_INVISIBLE}
_HARMLESS: Final = re.compile(r"[0-9０-９年月日/.,，:+\- ]{1,10}")


@cache  # most commands read no number, and making it took a fortieth of their start
def _wanted_sums() -> dict[str, int]:
    """The weighted sum (modulo 11) that the first 14 digits must have, by the last four characters.

    1,000 sequences with each of the eleven check characters: the end of a number is looked up in one step.
    """
    sums = {}
    for sequence in range(1000):
        text = f"{sequence:03d}"
        weighted = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS[14:], text, strict=True))
        sums.update({text + check: (remainder - weighted) % 11 for remainder, check in enumerate(_CHECKS)})
    return sums


class IdentityFault(ValueError):  # noqa: N818 — a fault of the input, not of the program
    """A number, code or sex that cannot be; `rule` names the broken rule, and neither text holds the number."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


class Sex(StrEnum):
    """The sex that the 17th digit of a citizen number states: odd is male, even is female."""

    MALE = "male"
    FEMALE = "female"


def squeezed(text: str) -> str:
    """Text without any spaces or invisible characters, full-width forms made half-width."""
    return "".join(text.translate(_PLAIN).split())


def harmless(text: str) -> str:
    """A cell's value as a message may repeat it: `“2024-13-01”`, or nothing if it could be somebody's number or name.

    Only digits and the signs of dates and amounts, at most ten characters: a phone has 11, a citizen number 15 or 18.
    """
    return f"“{text}”" if _HARMLESS.fullmatch(text) else ""


def normalise_citizen_number(text: str) -> str:
    """The 18-character spelling of a citizen number: no spaces, half-width, `X` upper-case, 15 digits upgraded.

    A 15-digit number gets the century 19 and its check character; the old sequences 996 to 999 (people who were a
    hundred in 1985) are not told apart. Raises `IdentityFault` for 长度, 字符, 无此日期 (also a year outside 1850 to
    2100) and 校验码不符, in this order. Whether the birth lies in the future is for the caller, who has the day.
    """
    if len(text) == 18:
        region, birth = _region_sum(text[:6]), _birth_sum(text[6:14])
        if region is not None and birth is not None and _wanted_sums().get(text[14:]) == (region + birth) % 11:
            return text
    return _normalise_slowly(text)


def birth_date(number: str) -> date:
    """The date of birth in a normalised citizen number. Raises `IdentityFault` (无此日期) if there is none."""
    birth = _birth(number[6:14])
    if birth is None:
        raise _no_such_date()
    return birth


def sex_of(number: str) -> Sex:
    """The sex in a normalised citizen number."""
    return Sex.MALE if number[16] in "13579" else Sex.FEMALE


def parse_sex(text: str) -> Sex:
    """The sex a form states as 男 or 女, also 男性 or 女性; raises `IdentityFault` (性别) for anything else."""
    match squeezed(text):
        case "男" | "男性":
            return Sex.MALE
        case "女" | "女性":
            return Sex.FEMALE
        case _:
            raise IdentityFault("性别", "性别应为“男”或“女”")


def require_sex(number: str, stated: Sex) -> None:
    """Hold the form's sex against the number's; raises `IdentityFault` (性别不符)."""
    if sex_of(number) is not stated:
        raise IdentityFault("性别不符", "公民身份号码第 17 位与所填性别不符，请对照证件核对号码和性别")


_LONG_NUMBER: Final = re.compile(r"[0-9][0-9Xx]{14,17}")


def names_somebody(text: str) -> bool:
    """Whether a text holds a citizen number: what stands in the log for ever must not."""
    return any(can_be_citizen_number(found[0]) for found in _LONG_NUMBER.finditer(squeezed(text)))


def can_be_citizen_number(text: str) -> bool:
    """Whether a text as a whole is a citizen number that can exist."""
    try:
        normalise_citizen_number(text)
    except IdentityFault:
        return False
    return True


def age_on(birth: date, day: date) -> int:
    """Full years of age (周岁) on a day; a birthday counts from its own day on.

    Who was born on 29 February grows older on 1 March in years without that day. Raises `ValueError` before birth.
    """
    if day < birth:
        raise ValueError("the day lies before the birth")
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def mask(number: str) -> str:
    """A number for the eye: `150000********0017`; other lengths keep a quarter at either end, four or less nothing."""
    if len(number) == 18:
        return f"{number[:6]}********{number[14:]}"
    kept = len(number) // 4 if len(number) > 4 else 0
    return number[:kept] + "*" * (len(number) - 2 * kept) + number[len(number) - kept :]


def mask_name(name: str) -> str:
    """A person's name for the eye: `测**`."""
    return name[:1] + "*" * (len(name) - 1)


def normalise_payer_code(text: str) -> str:
    """Whoever pays, by the code that stands in events: an organisation's credit code, or a person's donor code.

    Raises `IdentityFault` as `normalise_credit_code`; a citizen number is no such code.
    """
    code = squeezed(text).upper()
    return code if _DONOR_CODE.fullmatch(code) else normalise_credit_code(text)


def is_payer_code(text: str) -> bool:
    """Whether a text is the code of somebody who pays, and could not be a person's number as well."""
    try:
        return not can_be_citizen_number(normalise_payer_code(text))
    except IdentityFault:
        return False


def normalise_credit_code(text: str) -> str:
    """The upper-case spelling of a unified social credit code, without spaces.

    Raises `IdentityFault` for 长度, 字符 (I, O, S, V, Z do not occur), 校验码不符, and for 行政区划: one citizen number
    in 31 satisfies the check of a credit code, and would stand in plain columns for ever; its places 3 to 8 seldom
    begin with a province. The check of the organisation code inside is only a warning, see `credit_code_warning`.
    """
    code = squeezed(text).upper()
    if len(code) != 18:
        raise IdentityFault("长度", f"统一社会信用代码应为 18 位，实际 {len(code)} 位")
    if not all(character in _CREDIT_VALUES for character in code):
        raise IdentityFault("字符", "统一社会信用代码只含数字和大写字母，且不含 I、O、S、V、Z，请核对是否误写")
    total = sum(w * _CREDIT_VALUES[c] for w, c in zip(_CREDIT_WEIGHTS, code[:17], strict=True))
    if _CREDIT_ALPHABET[-total % 31] != code[17]:
        raise IdentityFault("校验码不符", "统一社会信用代码校验码不符（末位与前 17 位对不上），请对照登记证核对")
    if not _PROVINCE.fullmatch(code[2:4]) and can_be_citizen_number(code):
        raise IdentityFault("行政区划", "统一社会信用代码第 3 至 8 位应为行政区划代码，所填不是，请对照登记证核对")
    return code


def credit_code_warning(code: str) -> str | None:
    """What is odd about a normalised code: the organisation code inside (places 9 to 17) fails its own check."""
    total = sum(w * int(c, 36) for w, c in zip(_ORGANISATION_WEIGHTS, code[8:16], strict=True))
    if "0123456789X"[-total % 11] == code[16]:
        return None
    return "统一社会信用代码第 9 至 17 位（组织机构代码）的校验码不符，代码仍予接受，请核对"


def _normalise_slowly(text: str) -> str:
    """The same decision for texts that are not plain, and the reason for those that are wrong."""
    number = squeezed(text).upper()
    if len(number) not in (15, 18):
        raise IdentityFault("长度", f"公民身份号码应为 18 位（旧号码 15 位），实际 {len(number)} 位")
    body = number[:17] if len(number) == 18 else number[:6] + "19" + number[6:]
    if not (number.isascii() and body.isdigit() and (number[-1].isdigit() or number[17:] == "X")):
        raise IdentityFault("字符", "公民身份号码只含数字，第 18 位可为 X，请核对是否误写")
    if _birth(body[6:14]) is None:
        raise _no_such_date()
    check = _CHECKS[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]
    if len(number) == 18 and number[17] != check:
        raise IdentityFault("校验码不符", "公民身份号码校验码不符（第 18 位与前 17 位对不上），请对照证件核对")
    return body + check


def _no_such_date() -> IdentityFault:
    return IdentityFault("无此日期", "公民身份号码第 7 至 14 位不是有效的出生日期，请对照证件核对")


# There are some 4,000 regions in use and 36,525 birthdays in a century, so both caches hold all that a run of millions
# meets. A refused part is None rather than an exception, because exceptions are not cached.
@lru_cache(maxsize=16_384)
def _region_sum(region: str) -> int | None:
    """The weighted sum of the six region digits, or nothing if they are not digits."""
    if not (region.isascii() and region.isdigit()):
        return None
    return sum(w * int(d) for w, d in zip(_WEIGHTS[:6], region, strict=True))


@lru_cache(maxsize=65_536)
def _birth_sum(digits: str) -> int | None:
    """The weighted sum of the eight birth digits, or nothing if there is no such date."""
    if _birth(digits) is None:
        return None
    return sum(w * int(d) for w, d in zip(_WEIGHTS[6:14], digits, strict=True))


@lru_cache(maxsize=65_536)
def _birth(digits: str) -> date | None:
    """The date that eight digits name, or nothing; years outside 1850 to 2100 name nothing."""
    if not (len(digits) == 8 and digits.isascii() and digits.isdigit()):
        return None
    if not EARLIEST_BIRTH_YEAR <= int(digits[:4]) <= LATEST_BIRTH_YEAR:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
