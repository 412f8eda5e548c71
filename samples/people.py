"""The made-up participants of the sample pools: who they are, where they live, how they pay.

Villages are the sixteen of the annex of 宁人社发〔2024〕93号; that their pools are the cities is an assumption (see
README.md). Citizen numbers carry the prefix 640000, which is not issued to residents.
"""

import datetime
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

TAKEN_OVER = datetime.date(2022, 12, 31)
T = TypeVar("T")

VILLAGES = {
    "640100": [
        ("640105", "西夏区", "贺兰山西路街道", "顾家桥村"),
        ("640105", "西夏区", "贺兰山西路街道", "同阳新村"),
        ("640181", "灵武市", "临河镇", "上桥村"),
        ("640181", "灵武市", "临河镇", "红柳湾村"),
        ("640181", "灵武市", "临河镇", "下桥村"),
        ("640181", "灵武市", "临河镇", "二道沟村"),
        ("640181", "灵武市", "临河镇", "临河村"),
        ("640181", "灵武市", "临河镇", "石坝村"),
        ("640181", "灵武市", "临河镇", "甜水河村"),
        ("640121", "永宁县", "闽宁镇", "玉海村"),
        ("640121", "永宁县", "闽宁镇", "原隆村"),
        ("640121", "永宁县", "望远镇", "通桥村"),
        ("640121", "永宁县", "望远镇", "政权村"),
        ("640121", "永宁县", "望远镇", "富原社区"),
    ],
    "640400": [("640402", "原州区", "头营镇", "杨郎村")],
    "640500": [("640502", "沙坡头区", "滨河镇", "南关村")],
}
SURNAMES = list("马王李张杨丁哈白金何田吴陈刘周罗虎海苏赵锁兰纳余郭徐")
GIVEN = list("志建秀文玉海晓学国春桂小永立彦少凤燕梅兰英花红霞玲芳丽军平龙虎成福山林明义忠祥")
TIERS = [(200, 0.30), (300, 0.20), (500, 0.20), (1000, 0.15), (2000, 0.08), (3000, 0.07)]
SUBSIDY = {
    200: [("自治区", 40)],
    300: [("自治区", 50)],
    500: [("自治区", 70)],
    1000: [("市", 120)],
    2000: [("县", 200)],
    3000: [("自治区", 200), ("市", 80), ("县", 40)],
}
OWN, GOVERNMENT, COLLECTIVE, AID, SUBSIDISED = "个人缴费", "政府代缴", "集体补助", "社会资助", "政府补贴"


class Draw:
    """Random choices that depend on nothing but ``random()``."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        """True in ``share`` of the cases."""
        return self._random.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both possible."""
        return low + int(self._random.random() * (high - low + 1))

    def of(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[self.between(0, len(choices) - 1)]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of the choices by its weight; the weights sum to 1."""
        point, passed = self._random.random(), 0.0
        for choice, weight in choices:
            passed += weight
            if point < passed:
                return choice
        return choices[-1][0]

    def day(self, first: datetime.date, last: datetime.date) -> datetime.date:
        """A day from first to last, both possible."""
        return first + datetime.timedelta(days=self.between(0, (last - first).days))


def citizen_number(first17: str) -> str:
    """The 18-digit citizen number (GB 11643) of 17 digits."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first17 + "10X98765432"[sum(int(d) * w for d, w in zip(first17, weights, strict=True)) % 11]


def credit_code(prefix: str, organisation8: str) -> str:
    """A unified social credit code (GB 32100): 8 characters of prefix, 8 of organisation, both check characters."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    inner = 11 - sum(int(c, 36) * w for c, w in zip(organisation8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    code = prefix + organisation8 + {10: "X", 11: "0"}.get(inner, str(inner))
    return code + alphabet[-sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(code)) % 31]


@dataclass(eq=False)
class Person:
    """One made-up participant and the habits that shape the payments."""

    number: str
    name: str
    sex: str
    village: tuple[str, str, str, str]
    enrolled: datetime.date
    tier: int
    diligence: float
    aided_by_government: bool
    first_paying_year: int
    opening: dict[str, int] = field(default_factory=dict)  # fen by column of openings.csv
    tier_of: dict[int, int] = field(default_factory=dict)  # what was paid, by period


def people(draw: Draw, pool: str, taken: set[str]) -> list[Person]:
    """The participants of a pool, about 190 a village, 16 to 59 years old on the day they enrol."""
    found = []
    for village in VILLAGES[pool]:
        for _ in range(draw.between(180, 200)):
            opened = draw.chance(0.20)
            if opened or draw.chance(0.6):
                enrolled = draw.day(datetime.date(2012, 1, 1), datetime.date(2022, 11, 30))
            else:
                enrolled = draw.day(datetime.date(2023, 1, 2), datetime.date(2025, 6, 30))
            person = _person(draw, village, enrolled, taken)
            if opened:
                _take_over(draw, person)
            found.append(person)
    return found


def _person(draw: Draw, village: tuple[str, str, str, str], enrolled: datetime.date, taken: set[str]) -> Person:
    age = draw.between(16, 58)
    birthday_passed = datetime.date(enrolled.year - age, 1, 1)
    born = draw.day(birthday_passed, birthday_passed.replace(month=enrolled.month, day=min(enrolled.day, 28)))
    while True:
        sequence = draw.between(1, 998)
        number = citizen_number(f"640000{born:%Y%m%d}{sequence:03d}")
        if number not in taken:
            break
    taken.add(number)
    name = draw.of(SURNAMES) + draw.of(GIVEN) + (draw.of(GIVEN) if draw.chance(0.8) else "")
    return Person(
        number=number,
        name=name,
        sex="男" if sequence % 2 else "女",
        village=village,
        enrolled=enrolled,
        tier=draw.weighted(TIERS),
        diligence=0.92 if draw.chance(0.75) else 0.35,
        aided_by_government=draw.chance(0.06),
        first_paying_year=max(enrolled.year, 2024 if draw.chance(0.08) else 2023),
    )


def _take_over(draw: Draw, person: Person) -> None:
    """A balance at the end of 2022 as the county's former books hold it; collective subsidy begins only in 2024."""
    years = min(draw.between(1, 8), 2023 - person.enrolled.year)
    own = years * person.tier * 100
    aided = 20_000 * draw.between(1, years) if person.aided_by_government else 0
    person.opening = {
        OWN: own,
        GOVERNMENT: aided,
        COLLECTIVE: 0,
        AID: 10_000 * draw.between(1, 3) if draw.chance(0.04) else 0,
        SUBSIDISED: years * sum(yuan for _, yuan in SUBSIDY[person.tier]) * 100,
        "利息": int(own * years * 0.013) + draw.between(0, 99),
    }
    person.tier_of[2022] = person.tier
