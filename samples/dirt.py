"""The dirt real payment files have, put into the files of a sample pool; each piece with the outcome it must have.

Every piece takes a person no other piece touches, so that no row has two faults and none hides another.
"""

import datetime
from collections.abc import Callable
from dataclasses import replace

from samples.payments import YEARS, PoolBook, Row
from samples.people import AID, COLLECTIVE, OWN, SUBSIDISED, TAKEN_OVER, Person, citizen_number


class Dirt:
    """Marked rows for one pool's files. The methods take the name of a file (``2023``, ``late``) first."""

    def __init__(self, book: PoolBook) -> None:
        self.book = book
        self.used: set[str] = set()

    def pick(self, name: str, item: str = OWN, fit: Callable[[Row, Person], bool] = lambda *_: True) -> Row:
        """An ordinary row of a file whose person no other dirt touches."""
        candidates = [
            row
            for row in self.book.files[name]
            if row.item == item and not row.what and row.kind == "正常应缴" and row.number not in self.used
            and fit(row, self.book.person_of[row.number])
        ]  # fmt: skip
        row = self.book.draw.of(candidates)
        self.used.add(row.number)
        return row

    def put(self, name: str, row: Row, outcome: str, reason: str, what: str, after: Row | None = None) -> Row:
        """Puts a marked row somewhere behind ``after`` into a file."""
        marked = replace(row, outcome=outcome, reason=reason, what=what)
        rows = self.book.files[name]
        first = 0
        if after is not None:
            first = next((at + 1 for at, other in enumerate(rows) if other is after), 0)
        rows.insert(self.book.draw.between(first, len(rows)), marked)
        return marked

    def new(self, name: str, base: Row) -> Row:
        """A further payment that resembles ``base``, with numbers of its own."""
        year = int(name)
        return replace(base, serial=self.book.serial(year), voucher=self.book.voucher(year))

    def again(self, row: Row) -> Row:
        """The same row in another transmission."""
        day = row.treasury if isinstance(row.treasury, datetime.date) else datetime.date(2024, 1, 2)
        return replace(row, batch=self.book.resent(day))

    def duplicates(self, name: str, count: int, item: str = OWN) -> None:
        """A row twice in one file, another 传输批次号."""
        for _ in range(count):
            row = self.pick(name, item)
            self.put(name, self.again(row), "already_there", "", "repeated in the file", after=row)

    def duplicates_across(self, name: str, earlier: str, count: int) -> None:
        """A row of an earlier file sent again; its dates and amount are written as this year's files write them."""
        for _ in range(count):
            row = self.pick(earlier)
            self.put(name, self.again(row), "already_there", "", f"repeated from {earlier}")

    def conflicts(self, name: str, earlier: str, count: int) -> None:
        """A serial that returns with another amount."""
        for _ in range(count):
            row = self.pick(earlier, fit=lambda row, _: row.amount != "700.00")
            other = replace(self.again(row), amount="700.00")
            self.put(name, other, "refused", "SERIAL_CONFLICT", "same serial, another amount", after=row)

    def cancellations(self, name: str, earlier: str, count: int, item: str = OWN) -> list[Row]:
        """A 撤销 that repeats what it cancels; gives back the cancelling rows."""
        found = []
        for _ in range(count):
            row = self.pick(earlier, item)
            cancel = replace(self.again(row), data="撤销")
            found.append(self.put(name, cancel, "recorded", "", f"cancels a row of {earlier}", after=row))
        return found

    def faulty(self, name: str, reason: str, what: str, /, **changes: str | datetime.date) -> Row:
        """A further payment refused for one changed field."""
        row = replace(self.new(name, self.pick(name)), **changes)  # type: ignore[arg-type]
        return self.put(name, row, "waiting" if reason == "NOTHING_TO_REVERSE" else "refused", reason, what)

    def wrong_check_digit(self, name: str) -> Row:
        """A further payment whose number ends in another digit than its check digit."""
        row = self.pick(name)
        wrong = row.number[:-1] + str((int(row.number[-1].replace("X", "0")) + 3) % 10)
        return self.put(
            name, replace(self.new(name, row), number=wrong), "refused", "IDENTITY_FAULT", "wrong check digit"
        )

    def unknown_person(self, name: str) -> None:
        """A payment for a right number that nobody enrolled."""
        while (
            number := citizen_number(f"640000197{self.book.draw.between(0, 9)}0713{self.book.draw.between(1, 999):03d}")
        ) in (self.book.person_of):
            pass
        row = replace(self.new(name, self.pick(name)), number=number, name="无此人")
        self.put(name, row, "refused", "UNKNOWN_PERSON", "unknown person")

    def taken_over(self, name: str, day: datetime.date) -> None:
        """A payment that the balance taken over already holds."""
        row = self.new(name, self.pick(name, fit=lambda _, person: bool(person.opening)))
        row = replace(row, remitted=day, treasury=day, period="2022")
        self.put(name, row, "refused", "DATE", "dated in the balance taken over")

    def cap_dirt(self, name: str) -> None:
        """Aid above the cap: in one row, and only with what the village already paid."""
        row = self.pick(name, COLLECTIVE)
        over = replace(self.new(name, row), amount="3500.00")
        self.put(name, over, "refused", "OVER_CAP", "collective subsidy above the cap in one row", after=row)
        row = self.pick(name, COLLECTIVE)
        over = replace(self.new(name, row), item=AID, amount="2950.00")
        self.put(name, over, "refused", "OVER_CAP", "collective subsidy and social aid above the cap", after=row)

    def cap_filled(self, name: str) -> None:
        """Aid up to the very cap, and room that a cancellation gave back."""
        row = self.pick(name, COLLECTIVE)
        rest = replace(self.new(name, row), item=AID, amount=f"{3000 - int(row.amount[:-3])}.00")
        self.put(name, rest, "recorded", "", "collective subsidy and social aid at the very cap", after=row)
        (cancel,) = self.cancellations(name, name, 1, COLLECTIVE)
        whole = replace(self.new(name, cancel), item=AID, amount="3000.00", data="新增")
        self.put(name, whole, "recorded", "", "social aid in the room a cancellation gave back", after=cancel)

    def spellings(self, name: str) -> None:
        """Payments that only look strange: a 15-digit number, a bare 补缴, a small x."""
        row = self.pick(name, fit=lambda row, _: row.number[6:8] == "19")
        legacy = replace(self.new(name, row), number=row.number[:6] + row.number[8:17], period="2021", kind="中断补缴")
        self.put(name, legacy, "recorded", "", "15-digit citizen number")
        row = self.pick(name)
        bare = replace(self.new(name, row), kind="补缴", period="2021")
        self.put(name, bare, "recorded", "", "bare 补缴")
        for row in self.book.files[name]:
            if row.number.endswith("X") and not row.what and self.book.draw.chance(0.3):
                row.number = row.number[:-1] + "x"

    def soil_large(self) -> None:
        """All dirt of the pool with fourteen villages."""
        self.late()
        self.duplicates("2023", 5)
        self.conflicts("2023", "2023", 2)
        self.cancellations("2023", "2023", 3)
        self.faulty("2023", "NOTHING_TO_REVERSE", "cancels what was never sent", data="撤销")
        corrected = self.wrong_check_digit("2023")
        self.wrong_check_digit("2023")
        self.faulty("2023", "NAME_DIFFERS", "another name", name="旁人甲")
        self.faulty("2023", "NAME_DIFFERS", "another name", name="旁人乙")
        self.unknown_person("2023")
        self.unknown_person("2023")
        self.faulty("2023", "PERIOD", "impossible year 20223", period="20223")
        self.faulty("2023", "PERIOD", "impossible year abc", period="abc")
        self.faulty("2023", "AMOUNT", "amount 0", amount="0")
        self.faulty("2023", "AMOUNT", "negative amount", amount="-300.00")
        self.faulty("2023", "AMOUNT", "three decimals", amount="200.005")
        self.faulty("2023", "AMOUNT", "amount above the limit", amount="10000000.01")
        self.faulty("2023", "KIND", "unknown 品目", item="滞纳金")
        self.taken_over("2023", datetime.date(2022, 11, 30))
        self.taken_over("2023", TAKEN_OVER)

        self.duplicates("2024", 3)
        self.duplicates_across("2024", "2023", 4)
        self.duplicates("2024", 1, COLLECTIVE)
        self.conflicts("2024", "2023", 1)
        cancel = self.cancellations("2024", "2024", 2)[0]
        self.put("2024", self.again(cancel), "already_there", "", "cancellation repeated", after=cancel)
        self.cancellations("2024", "2023", 1)
        row = self.pick("2024", fit=lambda row, _: row.amount != "700.00")
        other = replace(self.again(row), data="撤销", amount="700.00")
        self.put("2024", other, "refused", "SERIAL_CONFLICT", "cancels with another amount", after=row)
        self.faulty("2024", "DATE", "impossible day 2024-02-30", treasury="2024-02-30")
        self.faulty("2024", "DATE", "no day of treasury entry", treasury="")
        early = replace(self.new("2024", self.pick("2024", COLLECTIVE)), period="2023")
        self.put("2024", early, "refused", "NO_CAP", "collective subsidy for a year without a cap")
        self.cap_dirt("2024")
        self.cap_filled("2024")
        right = citizen_number(corrected.number[:-1])
        self.put(
            "2024", replace(self.again(corrected), number=right), "recorded", "", "refused in 2023, sent corrected"
        )
        self.wrong_check_digit("2024")
        self.unknown_person("2024")

        self.duplicates("2025", 3)
        self.duplicates_across("2025", "2024", 3)
        self.duplicates_across("2025", "2023", 1)
        self.put("2025", self.again(replace(cancel, data="新增")), "already_there", "", "cancelled row sent again")
        self.conflicts("2025", "2024", 2)
        cancel = self.cancellations("2025", "2025", 2)[0]
        cancel.remitted = cancel.treasury = datetime.date(2025, 12, 29)
        cancel.what = "cancels a row of 2025 with days of its own"
        self.faulty("2025", "NOTHING_TO_REVERSE", "cancels what was never sent", data="撤销")
        self.faulty("2025", "KIND", "unknown 品目", item="工会经费")
        self.faulty("2025", "NAME_DIFFERS", "another name", name="旁人丙")
        self.cap_dirt("2025")
        self.cap_filled("2025")
        for day in (3, 5):
            row = self.new("2025", self.pick("2025"))
            row = replace(row, remitted=datetime.date(2025, 12, 31), treasury=datetime.date(2026, 1, day))
            self.put("2025", row, "recorded", "", "remitted in 2025, in the treasury in 2026")
        for year in YEARS:
            self.spellings(str(year))

    def soil_small(self) -> None:
        """Some dirt for a pool of one village."""
        self.duplicates("2023", 2)
        self.conflicts("2023", "2023", 1)
        self.cancellations("2023", "2023", 1)
        self.wrong_check_digit("2023")
        self.taken_over("2023", datetime.date(2022, 12, 30))
        self.duplicates_across("2024", "2023", 2)
        self.faulty("2024", "DATE", "impossible day 2024-02-30", treasury="2024-02-30")
        self.faulty("2024", "PERIOD", "impossible year abc", period="abc")
        self.cap_dirt("2024")
        self.cancellations("2024", "2023", 1)
        self.unknown_person("2025")
        self.faulty("2025", "AMOUNT", "three decimals", amount="300.125")
        self.faulty("2025", "NAME_DIFFERS", "another name", name="旁人丁")
        self.faulty("2025", "NOTHING_TO_REVERSE", "cancels what was never sent", data="撤销")

    def late(self) -> None:
        """Money of 2023 and 2024 that arrives when both years are credited. Every person has money by 2024."""
        self.book.files["late"] = []
        first_money: dict[str, int] = {}
        for year in YEARS:
            for row in self.book.files[str(year)]:
                if row.outcome == "recorded" and row.item != SUBSIDISED:
                    first_money.setdefault(row.number.upper(), year)

        def with_opening(_: Row, person: Person) -> bool:
            return bool(person.opening)

        def starts_2024(_: Row, person: Person) -> bool:
            return not person.opening and first_money[person.number] == 2024 and person.enrolled.year < 2023

        self._late_payment("2024", datetime.date(2023, 8, 15), "late, after a balance taken over", with_opening)
        self._late_payment("2024", datetime.date(2023, 6, 20), "late, opens an earlier year", starts_2024)
        self._late_payment("2024", datetime.date(2023, 11, 30), "late, opens an earlier year", starts_2024)
        self._late_payment("2023", datetime.date(2024, 5, 10), "late, in 2024")
        self._late_payment("2023", datetime.date(2024, 12, 31), "late, on the last day of 2024", with_opening)
        row = self.pick("2024", COLLECTIVE)
        aid = replace(self.new("2024", row), item=AID, amount="200.00", treasury=datetime.date(2024, 12, 30))
        aid = replace(aid, remitted=datetime.date(2024, 12, 27), batch="2026030501")
        self.put("late", aid, "recorded", "", "late social aid of 2024 under the cap")
        row = self.pick("2023")
        cancel = replace(row, data="撤销", batch="2026030501")
        self.put("late", cancel, "recorded", "", "cancels a contribution of 2023 after its year was credited")
        row = replace(self.pick("2024"), batch="2026030501")
        self.put("late", row, "already_there", "", "repeated from 2024")

    def _late_payment(
        self, base: str, day: datetime.date, what: str, fit: Callable[[Row, Person], bool] = lambda *_: True
    ) -> None:
        row = self.new(str(day.year), self.pick(base, fit=fit))
        row = replace(row, number=row.number.upper(), remitted=day, treasury=day, period=str(day.year), amount="500.00")
        self.put("late", replace(row, batch="2026030501"), "recorded", "", what)
