"""Invented books through the imports, in two orders of their files: every row is kept, accounts hold what stands."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pytest

from ledger.exchange import ENDINGS
from ledger.store.states import load_states
from tests.api.cli.desk import Desk
from tests.properties.tax_books import invent
from tests.properties.tax_office import Office
from tests.properties.tax_plants import PLANTS
from tests.properties.tax_rows import CANCELLED, ITEMS, NEW, BookFile, Cells, fen_of

Identity = tuple[str, str]


def naive_balances(files: Iterable[BookFile], registered: Mapping[str, str], pool: str) -> dict[str, dict[str, int]]:
    """What each participant should hold by item: each serial once, and nothing of what was cancelled."""
    rows: dict[Identity, Cells] = {
        (row["缴费明细流水号"], row["数据类型"]): row for file in files if file.kind == "payments" for row in file.rows
    }
    held: dict[str, dict[str, int]] = {number: dict.fromkeys(ITEMS, 0) for number in registered}
    for (serial, data_type), row in rows.items():
        known = registered.get(row["公民身份号码"]) == row["姓名"] and row["统筹区编码"] in ("", pool)
        if data_type == NEW and known and (serial, CANCELLED) not in rows:
            held[row["公民身份号码"]][row["征收品目"]] += fen_of(row["实缴金额"])
    return held


def balances(desk: Desk, numbers: Iterable[str]) -> dict[str, dict[str, int]]:
    accounts = {number: desk.register.account_of(number) for number in numbers}
    states = load_states(desk.log, {account.bytes for account in accounts.values() if account})
    found = {}
    for number, account in accounts.items():
        assert account is not None
        held = states[account.bytes].balance
        kinds = held.contribution, held.government_paid, held.collective_subsidy, held.social_aid
        found[number] = dict(zip(ITEMS, kinds, strict=True))
    return found


@pytest.mark.parametrize("seed", [20250331, 20250401])
def test_the_ledger_holds_what_stands_and_every_row_is_kept(open_office: Callable[[], Office], seed: int) -> None:
    chance = random.Random(seed)
    books = invent(chance, pool="OWN", plants=[name for name in PLANTS for _ in range(2)])
    registered = {one.number: one.name for one in books.people}
    others = [file for file in books.files if file.kind != "participants"]
    for order in (others, chance.sample(others, len(others))):
        office = open_office()
        desk = office.desk
        files = [file.in_pool("OWN", desk.code) for file in (*books.of("participants"), *order)]
        office.take_in(files)
        assert balances(desk, registered) == naive_balances(files, registered, desk.code)
        hold_rows(desk, files, registered)


def hold_rows(desk: Desk, files: list[BookFile], registered: Mapping[str, str]) -> None:
    """Each row stands where it came, once; those that no account has are the ones that name nobody here."""
    kept = desk.query(
        "SELECT f.sha256, r.line, r.serial, r.ended FROM {exchange_record} r JOIN {exchange_file} f USING (file_id)"
    )
    places = {(bytes(sha).hex(), line): serial for sha, line, serial, _ in kept}
    payments = [file for file in files if file.kind == "payments"]
    assert places == {(file.sha256(), line): row["缴费明细流水号"] for file in payments for line, row in file.lines()}
    assert len(kept) == len(places)
    refused = {serial for _, _, serial, ended in kept if ENDINGS[ended] == "refused"}
    rows = [row for file in payments for row in file.rows]
    nobody = [
        row for row in rows
        if registered.get(row["公民身份号码"]) != row["姓名"] or row["统筹区编码"] not in ("", desk.code)
    ]  # fmt: skip
    assert refused == {row["缴费明细流水号"] for row in nobody}
    dues = Counter(tuple(row.values())[:9] for file in files if file.kind == "receivables" for row in file.rows)
    assert desk.query("SELECT count(*) FROM {receivable}") == [(len(dues),)]
