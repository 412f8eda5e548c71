"""The payment files of one sample pool as they would be without a fault: three years, by day of treasury entry."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from samples.people import (
    AID,
    COLLECTIVE,
    GOVERNMENT,
    OWN,
    SUBSIDISED,
    SUBSIDY,
    TIERS,
    VILLAGES,
    Draw,
    Person,
    credit_code,
)  # fmt: skip

YEARS = (2023, 2024, 2025)


@dataclass(eq=False)
class Row:
    """One row of a payment file. Dates are days, or text where the text itself is the fault."""

    serial: str
    voucher: str
    number: str
    name: str
    period: str
    item: str
    kind: str
    amount: str
    remitted: datetime.date | str
    treasury: datetime.date | str
    data: str = "新增"
    batch: str = ""
    source: str = ""
    level: str = ""
    document: str = ""
    outcome: str = "recorded"
    reason: str = ""
    what: str = ""  # says what is particular about the row; empty for an ordinary one


class PoolBook:
    """The payment files of one pool while they are written, and the numbers handed out in them."""

    def __init__(self, draw: Draw, pool: str, members: list[Person]) -> None:
        self.draw, self.pool, self.members = draw, pool, members
        self.files: dict[str, list[Row]] = {str(year): [] for year in YEARS}
        self.person_of = {person.number: person for person in members}
        self._serials = self._vouchers = self._batches = 0

    def serial(self, year: int) -> str:
        """The next 缴费明细流水号."""
        self._serials += 1
        return f"{self.pool}{year % 100}{self._serials:08d}"

    def voucher(self, year: int) -> str:
        """The next 电子税票号码."""
        self._vouchers += 1
        return f"3{self.pool[:4]}{year % 100}{self._vouchers:09d}"

    def batch(self, day: datetime.date) -> str:
        """The batch of an ordinary transmission: one a day."""
        return f"{day:%Y%m%d}01"

    def resent(self, day: datetime.date) -> str:
        """The batch of a row sent a second time."""
        self._batches += 1
        return f"{day:%Y%m%d}{50 + self._batches % 50}"

    def fill(self) -> None:
        """Every ordinary row of three years, by day of treasury entry."""
        for year in YEARS:
            rows = list(self._contributions(year))
            if year >= 2024:
                rows += self._collective(year, rows)
                rows += self._social_aid(year, rows)
            rows += self._subsidies(year)
            self.files[str(year)] = sorted(rows, key=lambda row: (str(row.treasury), row.serial))

    def _contributions(self, year: int) -> Iterator[Row]:
        for person in self.members:
            if year < person.first_paying_year or not self.draw.chance(person.diligence):
                continue
            first = max(datetime.date(year, 1, 10), person.enrolled + datetime.timedelta(days=1))
            remitted = self.draw.day(first, datetime.date(year, 12, 22))
            tier = 200 if person.aided_by_government else person.tier
            if not person.aided_by_government and self.draw.chance(0.05):
                tier = self.draw.weighted(TIERS)
            item = GOVERNMENT if person.aided_by_government else OWN
            person.tier_of[year] = tier
            yield self.payment(person, year, item, f"{tier}.00", remitted, "正常应缴", str(year))
            gap = self.draw.between(1, 100)
            if gap <= 3 and item == OWN and person.enrolled.year < year - 1:
                kind = "一次性补缴" if gap == 1 else "中断补缴"
                yield self.payment(person, year, OWN, f"{tier}.00", remitted, kind, str(year - 2))

    def payment(
        self, person: Person, year: int, item: str, amount: str, remitted: datetime.date, kind: str, period: str
    ) -> Row:
        """A row paid through the tax side, in the treasury up to three days after it was remitted."""
        treasury = remitted + datetime.timedelta(days=self.draw.between(0, 3))
        serial, voucher = self.serial(year), self.voucher(year)
        return Row(
            serial, voucher, person.number, person.name, period, item, kind, amount, remitted, treasury,
            batch=self.batch(treasury),
        )  # fmt: skip

    def _collective(self, year: int, paid: Sequence[Row]) -> Iterator[Row]:
        """A village pays for those of its members who have paid this year; one tax voucher for all of them."""
        for order, village in enumerate(VILLAGES[self.pool]):
            code = credit_code(f"N2{village[0]}", f"MF{int(self.pool) % 1000 + order:06d}")
            remitted = datetime.date(year, 11, 18) + datetime.timedelta(days=self.draw.between(0, 25))
            amount, voucher = self.draw.of((100, 150, 200, 300)), self.voucher(year)
            for row in paid:
                person = self.person_of[row.number]
                eligible = row.kind == "正常应缴" and str(row.treasury) < str(remitted)
                if person.village != village or not eligible or (row.item == OWN and person.tier_of[year] < 300):
                    continue
                aid = self.payment(person, year, COLLECTIVE, f"{amount}.00", remitted, "正常应缴", str(year))
                treasury = remitted + datetime.timedelta(days=1)
                yield replace(aid, voucher=voucher, treasury=treasury, batch=self.batch(treasury), source=code)

    def _social_aid(self, year: int, rows: Sequence[Row]) -> Iterator[Row]:
        donor = credit_code("53" + VILLAGES[self.pool][0][0], f"MJ{int(self.pool) % 1000 + year:06d}")
        day, voucher = datetime.date(year, 10, 17), self.voucher(year)
        for row in rows:
            early = row.kind == "正常应缴" and row.item in {OWN, GOVERNMENT} and str(row.treasury) < str(day)
            if early and self.draw.chance(0.012):
                person = self.person_of[row.number]
                aid = self.payment(person, year, AID, "500.00", day, "正常应缴", str(year))
                yield replace(aid, voucher=voucher, treasury=day, batch=self.batch(day), source=donor)

    def _subsidies(self, year: int) -> Iterator[Row]:
        """What finance allots in spring for the year before: no tax voucher, no day of remittance."""
        paid_out = datetime.date(year, 4, 16) + datetime.timedelta(days=self.draw.between(0, 20))
        for person in self.members:
            if year - 1 not in person.tier_of:
                continue
            for level, yuan in SUBSIDY[person.tier_of[year - 1]]:
                row = self.payment(person, year, SUBSIDISED, f"{yuan}.00", paid_out, "正常应缴", str(year - 1))
                document = f"示例文号〔{year}〕{('自治区', '市', '县').index(level) + 1}号"
                yield replace(
                    row, voucher="", remitted="", treasury=paid_out, batch=self.batch(paid_out), level=level,
                    document=document,
                )  # fmt: skip
