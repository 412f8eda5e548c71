"""A small pool's month of exchange with the tax side: forty made-up people, and every kind of difference once or twice.

What must come of the month is written beside the files (`expected.json`) by whoever makes them: each particular row
says which difference it is to be. No amount here is drawn by chance; only the people are.
"""

import csv
import datetime
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from samples.people import AID, COLLECTIVE, GIVEN, OWN, SUBSIDISED, Draw, citizen_number

POOL, OTHER_POOL = "150002", "150003"
SEED = 20250331
COUNTIES = ("示例甲旗", "示例乙旗")
SURNAMES = ("示", "例", "样", "虚")
"""No family is called so: whoever reads one of these names sees that it is made up."""
REGULAR, BACK = "正常应缴", "中断补缴"
NEW, CANCELLED = "新增", "撤销"
PAYMENT = (
    "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "实缴金额",
    "上解日期", "入库日期", "数据类型", "传输批次号", "应收核定编号", "统筹区编码",
)  # fmt: skip
CODED = (
    "UUID", "AAD009", "AAC147", "AAC003", "AAE003", "征收品目", "缴费类型", "AAE542", "AAE530", "AAE531", "AAA321",
    "传输批次号", "应收核定编号", "AAA027",
)  # fmt: skip
"""The same columns under the codes of data items (the profile `items`)."""
RECEIVABLE = (
    "应收核定编号", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "应缴金额", "核定日期", "数据类型",
)  # fmt: skip
FEBRUARY, FIRST_HALF, SECOND_HALF = "SW20250228", "SW20250317", "SW20250402"


def yuan(fen: int) -> str:
    """Yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def on(month: int, day: int) -> datetime.date:
    """A day of 2025."""
    return datetime.date(2025, month, day)


class Person(NamedTuple):
    """A participant."""

    number: str
    name: str
    sex: str
    county: str


@dataclass(frozen=True)
class Paid:
    """A row of 缴费明细."""

    serial: str
    who: Person
    item: str
    fen: int
    treasury: datetime.date
    paid: datetime.date | None = None
    kind: str = REGULAR
    period: int = 2025
    data: str = NEW
    approval: str = ""
    pool: str = POOL
    voucher: str = ""

    def cells(self, batch: str) -> tuple[str, ...]:
        """The row, in the order of `PAYMENT`."""
        return (
            self.serial, self.voucher or f"P{self.serial}", self.who.number, self.who.name, str(self.period), self.item,
            self.kind, yuan(self.fen), str(self.paid or self.treasury), str(self.treasury), self.data, batch,
            self.approval, self.pool,
        )  # fmt: skip

    @property
    def net(self) -> int:
        """What it adds to a sum."""
        return -self.fen if self.data == CANCELLED else self.fen


class Due(NamedTuple):
    """A row of 应收核定."""

    number: str
    who: Person
    item: str
    fen: int
    on: datetime.date
    kind: str = REGULAR
    period: int = 2025

    def cells(self) -> tuple[str, ...]:
        """The row, in the order of `RECEIVABLE`."""
        return (
            self.number, self.who.number, self.who.name, str(self.period), self.item, self.kind, yuan(self.fen),
            str(self.on), NEW,
        )  # fmt: skip


@dataclass
class Month:
    """The books while they are filled, and what must come of March."""

    people: Sequence[Person]
    due: dict[str, list[Due]] = field(default_factory=lambda: defaultdict(list))
    paid: dict[str, list[Paid]] = field(default_factory=lambda: defaultdict(list))
    matched: int = 0
    differences: list[dict[str, object]] = field(default_factory=list)
    serials: int = 0

    def approve(self, place: int, item: str, fen: int, month: int = 3, **said: object) -> Due:
        """Something approved of the person with this place."""
        number = f"HD2025{month:02d}{len(self.due[f'{month:02d}']) + 1:03d}"
        one = Due(number, self.people[place], item, fen, on(month, 3), **said)  # type: ignore[arg-type]
        self.due[f"{month:02d}"].append(one)
        return one

    def pay(self, batch: str, who: Person, item: str, fen: int, day: datetime.date, **said: object) -> Paid:
        """Something paid, in a batch."""
        self.serials += 1
        one = Paid(f"{POOL}25{self.serials:05d}", who, item, fen, day, **said)  # type: ignore[arg-type]
        self.paid[batch].append(one)
        return one

    def answer(self, due: Due, batch: str, day: datetime.date, **said: object) -> Paid:
        """The payment of what was approved, the same in everything that is not said."""
        plain: dict[str, object] = {"kind": due.kind, "period": due.period, "approval": due.number}
        item, fen = said.pop("item", due.item), said.pop("fen", due.fen)
        return self.pay(batch, due.who, item, fen, day, **(plain | said))  # type: ignore[arg-type]

    def tell(
        self, category: str, fen: int, tax: Paid | None = None, agency: Due | None = None, *, cleared: bool = False,
        comparison: str = "tax_agency",
    ) -> None:  # fmt: skip
        """A difference that must come: tax less agency."""
        self.differences.append(
            {
                "comparison": comparison, "category": category, "amount": yuan(fen),
                "tax": tax and tax.serial, "agency": agency and agency.number, "cleared": cleared,
            }
        )  # fmt: skip


def forty() -> list[Person]:
    """The people, twenty in each county."""
    draw, found = Draw(SEED), []
    for place in range(40):
        born = draw.day(datetime.date(1966, 1, 1), datetime.date(2004, 12, 31))
        number = citizen_number(f"150000{born:%Y%m%d}{100 + place:03d}")
        name = SURNAMES[place % 4] + draw.of(GIVEN) + draw.of(GIVEN)
        found.append(Person(number, name, "女" if place % 2 == 0 else "男", COUNTIES[place // 20]))
    return found


def fill() -> Month:
    """February as it was, March with everything that can be, and the first day of April."""
    month = Month(forty())
    _february(month)
    for place in range(6, 16):
        due = month.approve(place, COLLECTIVE, 300_00)
        month.answer(due, FIRST_HALF, on(3, 5 + place % 3))
        month.matched += 1
    for place in (36, 37, 38):
        due = month.approve(place, AID, 500_00)
        month.answer(due, FIRST_HALF, on(3, 10))
        month.matched += 1
    due = month.approve(35, OWN, 600_00, kind=BACK, period=2023)
    month.answer(due, SECOND_HALF, on(3, 20))
    for place in range(16, 26):  # nobody need approve these: their own entries are what the ledger has
        month.pay(FIRST_HALF, month.people[place], OWN, (200_00, 500_00, 1000_00)[place % 3], on(3, 11 + place % 4))
        month.matched += 1
    month.matched += 1
    _one_of_each(month)
    _taken_back(month)
    return month


def _february(month: Month) -> None:
    """Six were approved and five paid in time; one paid on the last day stands in the treasury in March."""
    for place in range(6):
        due = month.approve(place, COLLECTIVE, 300_00, month=2)
        if place == 4:
            late = month.answer(due, FIRST_HALF, on(3, 3), paid=on(2, 28))
            month.tell("CUTOFF", 300_00, late, due, cleared=True)
            continue
        paid = month.answer(due, FEBRUARY, on(2, 25))
        if place == 5:
            month.paid[FIRST_HALF].append(replace(paid, data=CANCELLED, treasury=on(3, 12)))
            month.tell("CANCELLED", -300_00, paid, due)


def _one_of_each(month: Month) -> None:
    """Payments that are not what was approved, each in another way."""
    due = month.approve(26, COLLECTIVE, 300_00)
    month.tell("AMOUNT", -100_00, month.answer(due, FIRST_HALF, on(3, 6), fen=200_00), due)
    due = month.approve(27, COLLECTIVE, 300_00)
    month.tell("PERIOD", 0, month.answer(due, FIRST_HALF, on(3, 6), period=2024), due)
    due = month.approve(28, AID, 450_00)
    month.tell("ITEM", 0, month.answer(due, FIRST_HALF, on(3, 7), item=COLLECTIVE), due)
    due = month.approve(29, COLLECTIVE, 360_00)
    stranger = month.answer(due, SECOND_HALF, on(3, 18), approval="")
    wrong = due.who.number[:14] + due.who.number[15] + due.who.number[14] + due.who.number[16]
    stranger = replace(stranger, who=due.who._replace(number=citizen_number(wrong)))
    month.paid[SECOND_HALF][-1] = stranger
    month.tell("PERSON", 360_00, stranger)
    month.tell("PERSON", -360_00, None, due)
    elsewhere = Person(citizen_number("15000019700101901"), "例外外", "男", "")
    month.tell("REGION", 280_00, month.pay(SECOND_HALF, elsewhere, OWN, 280_00, on(3, 19), pool=OTHER_POOL))
    month.tell("TAX_ONLY", 300_00, month.pay(FIRST_HALF, month.people[30], COLLECTIVE, 300_00, on(3, 7)))
    month.tell("AGENCY_ONLY", -320_00, None, month.approve(31, COLLECTIVE, 320_00))
    again = month.paid[FIRST_HALF][2]
    month.paid[SECOND_HALF].append(again)
    month.tell("DUP_TRANSPORT", 0, again, cleared=True)
    twice = month.pay(SECOND_HALF, month.people[16], OWN, 500_00, on(3, 19))
    month.tell("DUP_PAYMENT", 500_00, twice)
    due = month.approve(33, COLLECTIVE, 300_00)
    month.answer(due, SECOND_HALF, on(4, 1), paid=on(3, 31))
    month.tell("CUTOFF", -300_00, None, due, cleared=True)
    month.pay(SECOND_HALF, month.people[39], OWN, 200_00, on(3, 31))
    month.matched += 1


def _taken_back(month: Month) -> None:
    """A payment whose cancellation comes in the batch before it; two refunds asked for."""
    due = month.approve(34, COLLECTIVE, 310_00)
    paid = month.answer(due, SECOND_HALF, on(3, 13))
    month.paid[FIRST_HALF].append(replace(paid, data=CANCELLED, treasury=on(3, 14)))
    month.tell("CANCELLED", -310_00, None, due)
    for one in refunded(month):
        month.tell("REFUND_OPEN", -one.fen, comparison="refund")
    month.tell("AMOUNT", 100_00, comparison="tax_treasury")
    month.tell("CUTOFF", 200_00, comparison="treasury_fiscal")


def refunded(month: Month) -> tuple[Paid, Paid]:
    """The payments of which a refund is asked: the one that was paid twice, and one that was a mistake."""
    twice = next(one for one in month.paid[SECOND_HALF] if one.who == month.people[16])
    mistaken = next(one for one in month.paid[FIRST_HALF] if one.who == month.people[17])
    return twice, mistaken


def batch_rows(batch: str, rows: Sequence[Paid], columns: Sequence[str] = PAYMENT) -> list[tuple[str, ...]]:
    """A batch under its header: number, rows, and what they come to."""
    ordered = sorted(rows, key=lambda one: (one.treasury, one.serial, one.data))
    head = ("传输批次号", batch, "总笔数", str(len(rows)), "总金额（元）", yuan(sum(one.net for one in rows)))
    return [head, tuple(columns), *(one.cells(batch) for one in ordered)]


def _treasury(month: Month) -> list[tuple[str, ...]]:
    """What the treasury reports of each day of March; of one day 100 yuan less than the tax side sent."""
    sums: dict[datetime.date, list[int]] = {}
    told = {(one.serial, one.data): one for rows in month.paid.values() for one in rows}
    for one in told.values():
        if one.treasury.month == 3 and one.pool == POOL:
            sums.setdefault(one.treasury, []).append(one.net)
    less = {on(3, 10): 100_00}
    days = [(str(day), yuan(sum(sums[day]) - less.get(day, 0))) for day in sorted(sums)]
    return [("日期", "金额"), *days]


def _fiscal(treasury: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """The lines of the 财政专户: each day's sum on the next day, money taken back by the treasury on its own."""
    rows: list[tuple[str, ...]] = [("日期", "收入", "支出", "流水号")]
    carried = 0
    for place, (day, amount) in enumerate(list(treasury)[1:], 1):
        carried += round(float(amount) * 100)
        if carried <= 0:
            continue
        arrived = datetime.date.fromisoformat(day) + datetime.timedelta(days=1)
        rows.append((str(arrived), yuan(carried), "", f"CZ2025{place:04d}"))
        carried = 0
    return rows


def _subsidies(month: Month) -> list[tuple[str, ...]]:
    """政府补贴 of finance by level: eight of the ten who contributed, and one who did not."""
    columns = (*PAYMENT[:12], "补贴级次", "拨付文号")
    rows = []
    for place in (*range(16, 24), 32):
        for order, (level, fen) in enumerate((("自治区", 40_00), ("县", 20_00))):
            serial = f"{POOL}CZ{place:03d}{order}"
            one = Paid(serial, month.people[place], SUBSIDISED, fen, on(3, 25)).cells("CZ20250325")
            rows.append((serial, "", *one[2:8], "", *one[9:12], level, f"示例文号〔2025〕{order + 1}号"))
    return [columns, *rows]


def _requests(month: Month) -> list[tuple[str, ...]]:
    columns = (
        "退费申请编号", "公民身份号码", "姓名", "电子税票号码", "缴费明细流水号", "费款所属期", "征收品目",
        "申请退费额", "退费类型", "上解日期", "数据类型", "传输批次号",
    )  # fmt: skip
    rows = [
        (
            f"TF2025{place:04d}", one.who.number, one.who.name, f"P{one.serial}", one.serial, str(one.period), one.item,
            yuan(one.fen), "误收退费", str(one.paid or one.treasury), NEW, "TF20250328",
        )
        for place, one in enumerate(refunded(month), 1)
    ]  # fmt: skip
    return [columns, *rows]


def _failures(month: Month) -> list[tuple[str, ...]]:
    columns = ("公民身份号码", "姓名", "费款所属期", "征收品目", "金额", "失败原因", "日期", "传输批次号")
    one = month.people[18]
    stranger = citizen_number("15000019760311902")
    return [
        columns,
        (one.number, one.name, "2025", OWN, "200.00", "账户余额不足", "2025-03-14", "SB20250317"),
        (stranger, "例未名", "2025", OWN, "200.00", "参保登记信息不存在", "2025-03-14", "SB20250317"),
    ]


def _answers() -> list[tuple[str, ...]]:
    batch = f"{POOL}-000001"
    rows = [(batch, str(row), "通过", "") for row in range(1, 41)]
    rows[6] = (batch, "7", "不通过", "区划代码与税务登记不一致")
    return [("传输批次号", "序号", "校验结果", "原因"), *rows]


def _participants(month: Month) -> list[tuple[str, ...]]:
    columns = ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期")
    return [
        columns,
        *((one.name, one.number, one.sex, one.county, "示例镇", "示例村", "2019-01-02") for one in month.people),
    ]


def _expected(month: Month) -> dict[str, object]:
    """What must come of March where all of it was taken in, and who the unknown payer is."""
    mine = [one for one in month.differences if one["comparison"] == "tax_agency"]
    total = sum(round(float(str(one["amount"])) * 100) for one in mine)
    stranger = next(one for one in mine if one["category"] == "PERSON" and one["tax"])
    owed = next(one for one in mine if one["category"] == "PERSON" and one["agency"])
    twice, mistaken = refunded(month)
    return {
        "pool": POOL,
        "month": "2025-03",
        "total_difference": yuan(total),
        "matched": month.matched,
        "differences": month.differences,
        "stranger": {
            "serial": stranger["tax"],
            "approval": owed["agency"],
            "is": month.people[29].number,
            "county": month.people[29].county,
        },
        "twice": {"serial": twice.serial, "is": twice.who.number, "request": "TF20250001"},
        "unpaid": {"serial": mistaken.serial, "request": "TF20250002"},
    }


def write_tax_month(target: Path) -> None:
    """Writes the files of the month under ``target``."""
    month = fill()
    first, treasury = month.paid[FIRST_HALF], _treasury(month)
    whole = batch_rows(FIRST_HALF, first)
    folder = target / POOL
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Iterable[Sequence[str]]] = {
        "participants": _participants(month),
        "receivables-02": [RECEIVABLE, *(one.cells() for one in month.due["02"])],
        "receivables-03": [RECEIVABLE, *(one.cells() for one in month.due["03"])],
        "payments-02": batch_rows(FEBRUARY, month.paid[FEBRUARY]),
        # A row was lost on the way, and the header still counts it.
        "payments-03-1-incomplete": whole[:-3] + whole[-2:],
        "payments-03-1": whole,
        "payments-03-2": batch_rows(SECOND_HALF, month.paid[SECOND_HALF], CODED),
        "subsidies": _subsidies(month),
        "treasury": treasury,
        "fiscal-account": _fiscal(treasury),
        "refunds": _requests(month),
        "failed": _failures(month),
        "answers": _answers(),
    }
    for name, rows in files.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        (folder / f"{name}.csv").write_bytes(text.getvalue().encode())
    (folder / "expected.json").write_bytes((json.dumps(_expected(month), ensure_ascii=False, indent=1) + "\n").encode())
