"""The second model: what the sample files should come to, worked out the slow way, for an auditor to read.

It shares no code with the ledger and imports nothing but the standard library. It keeps no versions, no events and no
projections: it reads the files from top to bottom, decides each row, keeps what was recorded in a list, and then walks
through years and months. Money is counted in fen (whole numbers), interest in exact fractions.

Interest of one year is  rate / 12 x (balance at the start of January + ... + balance at the start of December),
so money earns from the month after its treasury entry; one rounding half-up to the fen; credited on 31 December.
A cancelled payment is treated as if it had never come: its cancellation takes its day.

    python samples/naive_model.py         prints each pool's totals by year, before and after the late file
"""

import csv
import datetime
import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

SAMPLES = Path(__file__).parent
POOLS = ("640100", "640400", "640500")
TAKEN_OVER = datetime.date(2022, 12, 31)  # openings.csv holds all money up to and including this day
AMOUNT_MAX_FEN = 10_000_000 * 100
YOUNGEST = 16

KINDS = {
    "个人缴费": "contribution",
    "政府代缴": "government_paid",
    "集体补助": "collective_subsidy",
    "社会资助": "social_aid",
    "政府补贴": "government_subsidy",
    "利息": "interest",
}
UNDER_CAP = ("collective_subsidy", "social_aid")
PAYMENT_TYPES = ("正常应缴", "中断补缴", "一次性补缴", "补缴")
NEEDED = {
    "participants": ("姓名", "公民身份号码", "性别", "旗县", "乡镇", "村", "参保日期"),
    "openings": ("公民身份号码", *KINDS),
    "payments": (
        "缴费明细流水号", "电子税票号码", "公民身份号码", "姓名", "费款所属期", "征收品目", "缴费类型", "实缴金额",
        "上解日期", "入库日期", "数据类型", "传输批次号",
    ),
}  # fmt: skip

Outcome = tuple[str, int, str, str | None]  # file, line in it (the first line is 1), outcome, reason of a refusal


@dataclass
class Entry:
    """One recorded payment. ``cancelled`` once its 撤销 was recorded."""

    number: str
    period: int
    kind: str
    fen: int
    day: datetime.date
    content: tuple[object, ...]
    cancelled: bool = False


@dataclass
class Book:
    """One pool as the files leave it."""

    pool: str
    rates: dict[int, Fraction]
    caps: dict[int, int]  # fen by year
    names: dict[str, str] = field(default_factory=dict)
    enrolled: dict[str, datetime.date] = field(default_factory=dict)
    openings: dict[str, dict[str, int]] = field(default_factory=dict)  # fen by kind at the end of 2022
    entries: dict[str, Entry] = field(default_factory=dict)  # 新增 rows by serial
    entries_of: dict[str, list[Entry]] = field(default_factory=dict)  # the same by person
    cancellations: dict[str, tuple[object, ...]] = field(default_factory=dict)  # 撤销 rows by serial


# --- reading a file ------------------------------------------------------------------------------------------------


def pool_files(pool: str, late: bool = True, samples: Path = SAMPLES) -> list[Path]:
    """The files of a pool in the order in which they came."""
    folder = samples / pool
    files = [*folder.glob("participants.*"), folder / "openings.csv", *sorted(folder.glob("payments-20*.csv"))]
    if late:
        files += folder.glob("payments-late.csv")
    return files


def read_lines(path: Path) -> list[list[str]]:
    """Every line of a table as text."""
    if path.suffix == ".xlsx":
        return read_workbook(path)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    return list(csv.reader(io.StringIO(text)))


def read_workbook(path: Path) -> list[list[str]]:
    """The first sheet of a workbook whose cells are all written out as text."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [["".join(cell.itertext()) for cell in row.iter(f"{space}c")] for row in sheet.iter(f"{space}row")]


def read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a table with their line, by column; the header is the first line that has all needed columns."""
    needed = set(NEEDED[path.name.split(".")[0].split("-")[0]])
    lines = read_lines(path)
    for position, line in enumerate(lines[:10]):
        header = [re.sub(r"\s|\(.*?\)|（.*?）", "", cell) for cell in line]
        if needed <= set(header):
            rows = enumerate(lines[position + 1 :], start=position + 2)
            return [(at, {c: v.strip() for c, v in zip(header, row, strict=True)}) for at, row in rows if any(row)]
    raise ValueError(f"{path.name}: no line holds the columns {sorted(needed)}")


def read_number(text: str) -> str | None:
    """An 18-digit citizen number with a right birth date and check digit; None when it is at fault."""
    text = text.upper()
    if re.fullmatch(r"[0-9]{15}", text):
        text = text[:6] + "19" + text[6:]
        text += check_digit(text)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text) or read_day(text[6:14]) is None or check_digit(text) != text[17]:
        return None
    return text


def check_digit(number: str) -> str:
    """The check digit of the first 17 digits (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = 0
    for position in range(17):
        total += int(number[position]) * weights[position]
    return "10X98765432"[total % 11]


def read_day(text: str) -> datetime.date | None:
    """A day written 2024-03-14, 2024/3/14 or 20240314; None for a missing or impossible one."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})/(\d{1,2})/(\d{1,2})|(\d{4})(\d{2})(\d{2})", text)
    if not found:
        return None
    year, month, day = [int(part) for part in found.groups() if part is not None]
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def read_fen(text: str) -> int | None:
    """Yuan with at most two decimals as fen; None for anything else."""
    if not re.fullmatch(r"-?\d+(\.\d{1,2})?", text):
        return None
    return int(Fraction(text) * 100)


# --- deciding a row ------------------------------------------------------------------------------------------------


def read_book(files: Iterable[Path]) -> tuple[Book, list[Outcome]]:
    """Reads the files of one pool in their order and decides each row."""
    files = list(files)
    pool = files[0].parent.name
    entered = json.loads((SAMPLES / "rates.json").read_text(encoding="utf-8"))[pool]
    rates = {int(year): Fraction(given["rate"]) for year, given in entered["rates"].items()}
    caps = {int(year): int(Fraction(given["cap"]) * 100) for year, given in entered["caps"].items()}
    book = Book(pool, rates, caps)
    decided: list[Outcome] = []
    for path in files:
        for line, row in read_table(path):
            if path.name.startswith("participants"):
                outcome, reason = decide_participant(book, row)
            elif path.name.startswith("openings"):
                outcome, reason = decide_opening(book, row)
            else:
                outcome, reason = decide_payment(book, row)
            decided.append((path.name, line, outcome, reason))
    return book, decided


def outcomes(files: Iterable[Path]) -> list[Outcome]:
    """What becomes of every row of one pool's files: recorded, already_there, refused or waiting with its reason."""
    return read_book(files)[1]


def decide_participant(book: Book, row: dict[str, str]) -> tuple[str, str | None]:
    """Enrols a person once."""
    number = read_number(row["公民身份号码"])
    if number is None or (int(number[16]) % 2 == 1) != (row["性别"] == "男"):
        return "refused", "IDENTITY_FAULT"
    day = read_day(row["参保日期"])
    if day is None:
        return "refused", "DATE"
    if number in book.names:
        return "already_there", None
    born = read_day(number[6:14])
    if born is None or (day.year - born.year) - ((day.month, day.day) < (born.month, born.day)) < YOUNGEST:
        return "refused", "UNDER_AGE"
    book.names[number] = row["姓名"]
    book.enrolled[number] = day
    book.entries_of[number] = []
    return "recorded", None


def decide_opening(book: Book, row: dict[str, str]) -> tuple[str, str | None]:
    """Takes a balance over, once per person."""
    number = read_number(row["公民身份号码"])
    if number is None:
        return "refused", "IDENTITY_FAULT"
    if number not in book.names:
        return "refused", "UNKNOWN_PERSON"
    amounts = {}
    for column, kind in KINDS.items():
        fen = read_fen(row[column])
        if fen is None or fen < 0:
            return "refused", "AMOUNT"
        amounts[kind] = fen
    if number in book.openings:
        return ("already_there", None) if book.openings[number] == amounts else ("refused", "SERIAL_CONFLICT")
    book.openings[number] = amounts
    return "recorded", None


def decide_payment(book: Book, row: dict[str, str]) -> tuple[str, str | None]:
    """Decides one row of the tax side's detail and keeps it when it is recorded."""
    fault = field_fault(book, row)
    if fault is not None:
        return "refused", fault
    number, fen, day = read_number(row["公民身份号码"]), read_fen(row["实缴金额"]), read_day(row["入库日期"])
    assert number is not None
    assert fen is not None
    assert day is not None
    serial, period, kind = row["缴费明细流水号"], int(row["费款所属期"]), KINDS[row["征收品目"]]
    # Not in it: the batch number, the name, and how the other columns were written.
    content = (number, period, kind, row["缴费类型"], fen, read_day(row["上解日期"]), day, row["电子税票号码"])

    if row["数据类型"] == "撤销":
        return decide_cancellation(book, serial, content)
    if serial in book.entries:
        same = book.entries[serial].content == content
        return ("already_there", None) if same else ("refused", "SERIAL_CONFLICT")
    if number in book.openings and day <= TAKEN_OVER:
        return "refused", "DATE"
    if kind in UNDER_CAP:
        if period not in book.caps:
            return "refused", "NO_CAP"
        received = 0
        for entry in book.entries_of[number]:
            if entry.period == period and entry.kind in UNDER_CAP and not entry.cancelled:
                received += entry.fen
        if received + fen > book.caps[period]:
            return "refused", "OVER_CAP"
    entry = Entry(number, period, kind, fen, day, content)
    book.entries[serial] = entry
    book.entries_of[number].append(entry)
    return "recorded", None


def field_fault(book: Book, row: dict[str, str]) -> str | None:
    """The first column at fault, in the order in which faults are named."""
    number = read_number(row["公民身份号码"])
    if number is None:
        return "IDENTITY_FAULT"
    if number not in book.names:
        return "UNKNOWN_PERSON"
    if row["姓名"] != book.names[number]:
        return "NAME_DIFFERS"
    fen = read_fen(row["实缴金额"])
    if fen is None or fen <= 0 or fen > AMOUNT_MAX_FEN:
        return "AMOUNT"
    if not re.fullmatch(r"(19|20)\d\d", row["费款所属期"]):
        return "PERIOD"
    if read_day(row["入库日期"]) is None or (row["上解日期"] == "" and row["征收品目"] != "政府补贴"):
        return "DATE"
    if row["上解日期"] != "" and read_day(row["上解日期"]) is None:
        return "DATE"
    item_known = row["征收品目"] in KINDS and row["征收品目"] != "利息"
    if not item_known or row["缴费类型"] not in PAYMENT_TYPES or row["数据类型"] not in {"新增", "撤销"}:
        return "KIND"
    return None


def decide_cancellation(book: Book, serial: str, content: tuple[object, ...]) -> tuple[str, str | None]:
    """A 撤销 names the serial of the payment it cancels and agrees with it in person, period, kind and amount."""
    if serial in book.cancellations:
        same = book.cancellations[serial] == content
        return ("already_there", None) if same else ("refused", "SERIAL_CONFLICT")
    if serial not in book.entries:
        return "waiting", "NOTHING_TO_REVERSE"
    original = book.entries[serial]
    number, period, kind, _, fen, *_ = content
    if (number, period, kind, fen) != (original.number, original.period, original.kind, original.fen):
        return "refused", "SERIAL_CONFLICT"
    original.cancelled = True
    book.cancellations[serial] = content
    return "recorded", None


# --- interest and closings -----------------------------------------------------------------------------------------


def month_start_balances(opening: int, movements: Iterable[tuple[int, int]]) -> int:
    """The twelve balances at the start of a month, added up; movements are (month 1..12, fen)."""
    movements = list(movements)
    total = 0
    for month in range(1, 13):
        balance = opening
        for month_of_entry, fen in movements:
            if month_of_entry < month:
                balance += fen
        total += balance
    return total


def interest_of_year(opening: int, movements: Iterable[tuple[int, int]], rate: Fraction) -> int:
    """A year's interest in fen, rounded half-up once. Opening and movements as in ``month_start_balances``."""
    exact = rate * month_start_balances(opening, movements) / 12
    return (exact + Fraction(1, 2)).__floor__()


@dataclass
class Closing:
    """One account over one year, in fen."""

    opening: int
    interest: int
    kinds: dict[str, int]

    @property
    def closing(self) -> int:
        """The balance at the end of the year, its interest credited."""
        return sum(self.kinds.values())


def close_account(book: Book, number: str, year: int) -> Closing:
    """Walks one account from its first year with money, or the year after the balance taken over, through ``year``."""
    entries = [entry for entry in book.entries_of[number] if not entry.cancelled]
    kinds = dict.fromkeys(KINDS.values(), 0)
    first_year = min((entry.day.year for entry in entries), default=year)
    if number in book.openings:
        kinds = dict(book.openings[number])
        first_year = TAKEN_OVER.year + 1
    opening, interest = sum(kinds.values()), 0
    for current in range(first_year, year + 1):
        opening = sum(kinds.values())
        movements = []
        for entry in entries:
            if entry.day.year == current:
                movements.append((entry.day.month, entry.fen))
                kinds[entry.kind] += entry.fen
        # A year whose rate is not known is not credited yet.
        interest = interest_of_year(opening, movements, book.rates[current]) if current in book.rates else 0
        kinds["interest"] += interest
    return Closing(opening, interest, kinds)


def closings(files: Iterable[Path], year: int) -> dict[str, dict[str, object]]:
    """Every account enrolled by the end of ``year`` (2023 or later), by citizen number, as the files given leave it.

    Each has ``opening`` (the balance at the end of the year before), ``interest`` of the year, ``closing`` (the balance
    at its end, interest credited) and ``kinds`` (the closing by money kind), in yuan as text.
    """
    return close_book(read_book(files)[0], year)


def close_book(book: Book, year: int) -> dict[str, dict[str, object]]:
    """``closings`` of files already read."""
    found: dict[str, dict[str, object]] = {}
    for number, enrolled in book.enrolled.items():
        if enrolled.year <= year:
            account = close_account(book, number, year)
            found[number] = {
                "opening": yuan(account.opening),
                "interest": yuan(account.interest),
                "closing": yuan(account.closing),
                "kinds": {kind: yuan(fen) for kind, fen in account.kinds.items()},
            }
    return found


def pool_totals(files: Iterable[Path], year: int) -> dict[str, str]:
    """The sums of ``closings`` over one pool: opening, each money kind at the end, the year's interest, closing.

    ``interest`` is the kind (all interest ever credited and taken over), ``interest_of_year`` the year's.
    """
    return total_book(read_book(files)[0], year)


def total_book(book: Book, year: int) -> dict[str, str]:
    """``pool_totals`` of files already read."""
    totals = dict.fromkeys(("opening", *KINDS.values(), "interest_of_year", "closing"), 0)
    for number in book.enrolled:
        account = close_account(book, number, year)
        totals["opening"] += account.opening
        totals["interest_of_year"] += account.interest
        totals["closing"] += account.closing
        for kind, fen in account.kinds.items():
            totals[kind] += fen
    return {name: yuan(fen) for name, fen in totals.items()}


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def main() -> None:
    """Prints the outcomes and the totals of every pool."""
    for pool in POOLS:
        for late in (False, True):
            files = pool_files(pool, late)
            if late and files == pool_files(pool, late=False):
                continue
            book, decided = read_book(files)
            counts: dict[str, int] = {}
            for _, _, outcome, reason in decided:
                counts[reason or outcome] = counts.get(reason or outcome, 0) + 1
            print(pool, "with the late file" if late else "", *(f"{name}={n}" for name, n in sorted(counts.items())))
            for year in sorted(book.rates):
                print(f"  {year}", *(f"{name}={amount}" for name, amount in total_book(book, year).items()))


if __name__ == "__main__":
    main()
