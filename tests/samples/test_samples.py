"""The sample files hold the dirt they promise, and the naive model decides and counts them as intended.

``samples/intended.csv`` is written by the generator, which knows what each particular row is; the naive model knows
only the files. That the two agree on every row is the point of most tests here.
"""

import ast
import csv
import datetime
import functools
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from samples import naive_model
from samples.generate import generate
from samples.people import citizen_number, credit_code

SAMPLES = Path(naive_model.__file__).parent

# What the particular rows are, and in how many pools each is found.
DIRT = {
    "repeated in the file": ("already_there", "", 3),
    "repeated from 2023": ("already_there", "", 3),
    "repeated from 2024": ("already_there", "", 1),
    "cancellation repeated": ("already_there", "", 1),
    "cancelled row sent again": ("already_there", "", 1),
    "same serial, another amount": ("refused", "SERIAL_CONFLICT", 3),
    "cancels with another amount": ("refused", "SERIAL_CONFLICT", 1),
    "cancels a row of 2023": ("recorded", "", 3),
    "cancels a row of 2024": ("recorded", "", 1),
    "cancels a row of 2025": ("recorded", "", 1),
    "cancels a row of 2025 with days of its own": ("recorded", "", 1),
    "cancels a contribution of 2023 after its year was credited": ("recorded", "", 1),
    "cancels what was never sent": ("waiting", "NOTHING_TO_REVERSE", 3),
    "wrong check digit": ("refused", "IDENTITY_FAULT", 3),
    "refused in 2023, sent corrected": ("recorded", "", 1),
    "another name": ("refused", "NAME_DIFFERS", 3),
    "unknown person": ("refused", "UNKNOWN_PERSON", 3),
    "impossible year 20223": ("refused", "PERIOD", 1),
    "impossible year abc": ("refused", "PERIOD", 3),
    "amount 0": ("refused", "AMOUNT", 1),
    "negative amount": ("refused", "AMOUNT", 1),
    "three decimals": ("refused", "AMOUNT", 3),
    "amount above the limit": ("refused", "AMOUNT", 1),
    "impossible day 2024-02-30": ("refused", "DATE", 3),
    "no day of treasury entry": ("refused", "DATE", 1),
    "dated in the balance taken over": ("refused", "DATE", 3),
    "unknown 品目": ("refused", "KIND", 1),
    "collective subsidy for a year without a cap": ("refused", "NO_CAP", 1),
    "collective subsidy above the cap in one row": ("refused", "OVER_CAP", 3),
    "collective subsidy and social aid above the cap": ("refused", "OVER_CAP", 3),
    "collective subsidy and social aid at the very cap": ("recorded", "", 1),
    "social aid in the room a cancellation gave back": ("recorded", "", 1),
    "bare 补缴": ("recorded", "", 1),
    "15-digit citizen number": ("recorded", "", 1),
    "remitted in 2025, in the treasury in 2026": ("recorded", "", 1),
    "late, after a balance taken over": ("recorded", "", 1),
    "late, opens an earlier year": ("recorded", "", 1),
    "late, in 2024": ("recorded", "", 1),
    "late, on the last day of 2024": ("recorded", "", 1),
    "late social aid of 2024 under the cap": ("recorded", "", 1),
}


def intended() -> list[dict[str, str]]:
    with (SAMPLES / "intended.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@functools.cache
def book_of(pool: str, late: bool = True) -> tuple[naive_model.Book, list[naive_model.Outcome]]:
    return naive_model.read_book(naive_model.pool_files(pool, late))


def rows_of(pool: str, name: str) -> dict[int, dict[str, str]]:
    return dict(naive_model.read_table(SAMPLES / pool / name))


def written(folder: Path) -> dict[str, bytes]:
    kinds = {".csv", ".xlsx", ".json"}
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.suffix in kinds}


def test_generating_again_gives_the_committed_bytes(tmp_path):
    generate(tmp_path)
    again, committed = written(tmp_path), written(SAMPLES)
    assert sorted(again) == sorted(committed)
    assert [name for name in again if again[name] != committed[name]] == []
    assert sum(map(len, committed.values())) < 3_000_000


def test_files_are_in_the_three_encodings():
    assert (SAMPLES / "640400/payments-2023.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert not (SAMPLES / "640100/participants.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(UnicodeDecodeError):
        (SAMPLES / "640500/participants.csv").read_bytes().decode("utf-8")
    assert "参保日期" in (SAMPLES / "640500/participants.csv").read_bytes().decode("gb18030")


@pytest.mark.parametrize("pool", naive_model.POOLS)
def test_every_row_has_the_intended_outcome(pool):
    marked = {(row["file"], int(row["line"])): row for row in intended() if row["pool"] == pool}
    differing = []
    for file, line, outcome, reason in book_of(pool)[1]:
        want = marked.pop((file, line), {"outcome": "recorded", "reason": ""})
        if (want["outcome"], want["reason"]) != (outcome, reason or ""):
            differing.append((file, line, outcome, reason, want))
    assert differing == []
    assert marked == {}


@pytest.mark.parametrize("what", DIRT)
def test_each_kind_of_dirt_is_present(what):
    outcome, reason, pools = DIRT[what]
    found = [row for row in intended() if row["what"] == what]
    assert {(row["outcome"], row["reason"]) for row in found} == {(outcome, reason)}
    assert len({row["pool"] for row in found}) == pools


def test_no_dirt_is_left_out_of_the_table_above():
    assert {row["what"] for row in intended()} == set(DIRT)


def test_repeated_rows_differ_only_in_batch_and_spelling():
    earlier = {row["缴费明细流水号"]: row for row in rows_of("640100", "payments-2023.csv").values()}
    across = [r for r in intended() if (r["pool"], r["file"]) == ("640100", "payments-2024.csv")]
    lines = [int(r["line"]) for r in across if r["what"] == "repeated from 2023"]
    assert len(lines) == 4
    for line in lines:
        row = rows_of("640100", "payments-2024.csv")[line]
        first = earlier[row["缴费明细流水号"]]
        assert row["传输批次号"] != first["传输批次号"]
        assert (row["实缴金额"], row["入库日期"]) != (first["实缴金额"], first["入库日期"])
        assert naive_model.read_fen(row["实缴金额"]) == naive_model.read_fen(first["实缴金额"])
        assert naive_model.read_day(row["入库日期"]) == naive_model.read_day(first["入库日期"])


def test_a_collective_subsidy_has_one_voucher_and_a_valid_payer():
    seen: dict[str, str] = {}
    for row in rows_of("640100", "payments-2024.csv").values():
        if row["征收品目"] == "集体补助":
            assert credit_code(row["来源单位"][:8], row["来源单位"][8:16]) == row["来源单位"]
            if row["数据类型"] == "新增" and row["实缴金额"] != "3500" and row["费款所属期"] == "2024":
                assert seen.setdefault(row["来源单位"], row["电子税票号码"]) == row["电子税票号码"]
    assert len(seen) == 14
    in_2023 = {row["征收品目"] for row in rows_of("640100", "payments-2023.csv").values()}
    assert "集体补助" not in in_2023


def test_check_digits_agree_with_printed_examples():
    assert citizen_number("11010519491231002") == "11010519491231002X"
    assert credit_code("91350100", "M000100Y") == "91350100M000100Y43"
    assert credit_code("N2150781", "MF100004") == "N2150781MF100004XE"
    assert naive_model.read_number("150000530820077") == "150000195308200777"
    for wrong in ("150000199003150018", "150000199702290027", "15000019900315017", "15000019900315001X"):
        assert naive_model.read_number(wrong) is None
    assert naive_model.read_number("64000019791105903x") == "64000019791105903X"


def test_nobody_is_real_and_everybody_is_of_age():
    numbers: set[str] = set()
    villages = set()
    for pool in naive_model.POOLS:
        (path,) = (SAMPLES / pool).glob("participants.*")
        for _, row in naive_model.read_table(path):
            number, day = naive_model.read_number(row["公民身份号码"]), naive_model.read_day(row["参保日期"])
            assert number.startswith("640000")
            assert number not in numbers
            numbers.add(number)
            villages.add((row["旗县"], row["乡镇"], row["村"]))
            born = naive_model.read_day(number[6:14])
            assert 16 <= day.year - born.year - ((day.month, day.day) < (born.month, born.day)) <= 59
    assert len(villages) == 16
    assert 2800 < len(numbers) < 3200


def test_openings_are_for_a_fifth_and_hold_no_collective_subsidy():
    book, _ = book_of("640100")
    assert 0.17 < len(book.openings) / len(book.names) < 0.23
    assert {opening["collective_subsidy"] for opening in book.openings.values()} == {0}
    assert all(book.enrolled[number] <= naive_model.TAKEN_OVER for number in book.openings)


# --- late money ------------------------------------------------------------------------------------------------------


def late_numbers(what: str) -> list[str]:
    rows = rows_of("640100", "payments-late.csv")
    lines = [int(r["line"]) for r in intended() if r["file"] == "payments-late.csv" and r["what"] == what]
    return [rows[line]["公民身份号码"] for line in lines]


@pytest.fixture(scope="module")
def before():
    return {year: naive_model.close_book(book_of("640100", False)[0], year) for year in (2023, 2024)}


@pytest.fixture(scope="module")
def after():
    return {year: naive_model.close_book(book_of("640100")[0], year) for year in (2023, 2024)}


def test_late_money_opens_an_earlier_year(before, after):
    numbers = late_numbers("late, opens an earlier year")
    assert len(numbers) == 2
    for number in numbers:
        assert before[2023][number]["closing"] == "0.00"
        assert Fraction(after[2023][number]["closing"]) >= 500
        assert after[2024][number]["opening"] == after[2023][number]["closing"]
    # 500.00 of 20 June earns July to December: 500 x 0.0262 x 6 / 12 = 6.55; of 30 November December: 1.0916… = 1.09.
    assert sorted(after[2023][number]["interest"] for number in numbers) == ["1.09", "6.55"]


def test_late_money_meets_only_accounts_credited_through_2024(before):
    for row in rows_of("640100", "payments-late.csv").values():
        assert Fraction(before[2024][naive_model.read_number(row["公民身份号码"])]["closing"]) > 0


def test_a_late_cancellation_takes_its_interest_with_it(before, after):
    (number,) = late_numbers("cancels a contribution of 2023 after its year was credited")
    old, new = before[2023][number], after[2023][number]
    assert Fraction(new["kinds"]["contribution"]) < Fraction(old["kinds"]["contribution"])
    assert Fraction(new["interest"]) < Fraction(old["interest"])


def test_only_the_persons_of_the_late_file_change(before, after):
    changed = {n for n in after[2024] if before[2024][n] != after[2024][n]}
    late = [row["公民身份号码"] for row in rows_of("640100", "payments-late.csv").values()]
    assert changed == set(late) - set(late_numbers("repeated from 2024"))


# --- the naive model's own arithmetic, by the published vectors ------------------------------------------------------

INTEREST = {  # opening, (month, fen) …, rate, interest, month-start balances or None
    "I-1": (1_000_000, [], "0.0262", 26_200, None),
    "I-2": (345_678, [(3, 50_000), (9, 30_000), (12, 7_000)], "0.0246", 9_611, 4_688_136),
    "I-7": (0, [(month, 10_000) for month in range(1, 13)], "0.0397", 2_184, 660_000),
    "I-11": (245_678, [(3, 50_000), (9, 30_000), (11, 6_000)], "0.0262", 7_629, 3_494_136),
}


@pytest.mark.parametrize("case", INTEREST)
def test_interest_of_a_year(case):
    opening, movements, rate, interest, balances = INTEREST[case]
    assert naive_model.interest_of_year(opening, movements, Fraction(rate)) == interest
    if balances is not None:
        assert naive_model.month_start_balances(opening, movements) == balances


def test_i_11_closes_with_its_kinds():
    opening, movements, rate, interest, _ = INTEREST["I-11"]
    assert opening + sum(fen for _, fen in movements) + interest == 339_307
    assert naive_model.interest_of_year(opening, movements, Fraction(rate)) == interest


@pytest.mark.parametrize(
    ("day", "interest_by_year"),
    [(datetime.date(2024, 12, 31), {2024: 0, 2025: 1_200}), (datetime.date(2025, 1, 1), {2025: 1_100})],
    ids=["I-12a", "I-12b"],
)
def test_i_12_the_turn_of_the_year(day, interest_by_year):
    book = naive_model.Book("640100", dict.fromkeys((2023, 2024, 2025), Fraction("0.024")), {})
    book.entries_of["X"] = [naive_model.Entry("X", day.year, "contribution", 50_000, day, ())]
    for year, interest in interest_by_year.items():
        assert naive_model.close_account(book, "X", year).interest == interest


def test_half_a_fen_is_rounded_up():
    # 250.00 at 0.02 for one month: 0.41666…; 3.00 at 0.02 for one month: 0.005 exactly.
    assert naive_model.interest_of_year(0, [(11, 25_000)], Fraction("0.02")) == 42
    assert naive_model.interest_of_year(0, [(11, 300)], Fraction("0.02")) == 1


@pytest.mark.parametrize("pool", naive_model.POOLS)
def test_totals_are_the_sums_of_the_accounts(pool):
    book, _ = book_of(pool)
    for year in (2023, 2024, 2025):
        accounts, totals = naive_model.close_book(book, year), naive_model.total_book(book, year)
        assert sum(Fraction(a["closing"]) for a in accounts.values()) == Fraction(totals["closing"])
        assert sum(Fraction(totals[kind]) for kind in naive_model.KINDS.values()) == Fraction(totals["closing"])


@pytest.mark.parametrize("pool", naive_model.POOLS)
def test_month_starts_and_months_earned_give_the_same_interest(pool):
    """The formula of S4 by the other road: B0 x r + sum of d x r x (12 - m) / 12."""
    book, _ = book_of(pool)
    for number, entries in book.entries_of.items():
        account = naive_model.close_account(book, number, 2024)
        exact = Fraction(account.opening)
        for entry in entries:
            if entry.day.year == 2024 and not entry.cancelled:
                exact += Fraction(entry.fen * (12 - entry.day.month), 12)
        assert account.interest == (exact * book.rates[2024] + Fraction(1, 2)) // 1


def test_files_and_books_give_the_same_answers():
    files = naive_model.pool_files("640500")
    book, decided = book_of("640500")
    assert naive_model.outcomes(files) == decided
    assert naive_model.closings(files, 2025) == naive_model.close_book(book, 2025)
    assert naive_model.pool_totals(files, 2025) == naive_model.total_book(book, 2025)


def test_the_naive_model_shares_no_code_with_the_product():
    tree = ast.parse(Path(naive_model.__file__).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    assert names <= sys.stdlib_module_names


def test_the_naive_model_prints_every_pool(capsys):
    naive_model.main()
    printed = capsys.readouterr().out
    for pool in naive_model.POOLS:
        assert pool in printed
    assert printed.count("closing=") == 12
