"""Our side of stated sums, read by SQL, against the same rows walked over one by one."""

from __future__ import annotations

import random
from datetime import date
from uuid import UUID

import pytest

from ledger.account_events import BenefitPaid, Refunded
from ledger.exchange import FileKind
from ledger.late_money import Origin
from ledger.reconciliation_totals import Cell, Figures
from ledger.refusals import Refusal
from ledger.stated_totals import Business, StatedTotal
from ledger.store.exchange_totals import ExchangeTotals
from ledger.store.keys import Keys
from ledger.store.register import Register
from ledger.words import KINDS, MoneyKind, new_id
from projections import reconciliation
from projections.reconciliation import months_due, reconcile
from projections.reconciliation_totals import MonthTotals, totals_differences
from projections.runner import catch_up

MARCH = date(2025, 3, 1)
RECORDED, THERE, REFUSED, WAITING = 1, 2, 3, 4
COUNTY = "640100.01"


class Received:
    """Rows of 缴费明细, written as the intake writes them."""

    def __init__(self, book):
        self.log, self.rows = book.log, []

    def row(self, file_id, line, serial, fen, on, ended=RECORDED, data_type=1, kind=0, who=None, reason=""):
        self.rows.append((file_id, line, serial, data_type, fen, on, ended, kind, who, reason))
        with self.log.connections.connection() as connection:
            connection.execute(
                self.log.sql(
                    "INSERT INTO {exchange_record} VALUES (%s, %s, %s, %s, %s, 0, 2025, %s, %s, %s, %s, %s, '', '', '',"
                    " '', '', '', '', %s, NULL, NULL, '')"
                ),
                (file_id, line, data_type, ended, kind, on, on, fen, who, serial, reason),
            )
            if ended == RECORDED and serial:
                connection.execute(
                    self.log.sql("INSERT INTO {external_identity} VALUES (%s, %s, '', %s, 1)"),
                    (serial, data_type, UUID(int=1)),
                )

    def read(self, month=MARCH, through=99, *, by_county=False):
        with self.log.connections.connection() as connection:
            return MonthTotals(connection, self.log, month, through, 0).received(by_county=by_county)


@pytest.fixture
def received(book):
    return Received(book)


def net(cells):
    return sum(one.rows for one in cells), sum(one.fen for one in cells)


def march(day):
    return date(2025, 3, day)


def test_a_serial_is_counted_once_however_often_it_came(received):
    received.row(1, 2, "S1", 100, march(3))
    received.row(2, 2, "S1", 100, march(3), THERE)
    received.row(2, 3, "S1", 999, march(4), REFUSED)  # another content under the serial of what was recorded
    received.row(1, 3, "S2", 200, march(3), REFUSED)
    received.row(2, 4, "S2", 250, march(5), REFUSED)
    received.row(1, 4, "S3", 30, march(6), REFUSED)
    received.row(3, 2, "S3", 40, date(2025, 4, 2))  # recorded in another month
    received.row(4, 2, "S4", 70, march(8), THERE)  # recorded at a counter: came here once
    received.row(5, 2, "S4", 70, march(8), THERE)
    received.row(1, 7, "S5", 8, march(9), REFUSED, reason="OTHER_POOL")
    assert received.read() == [
        Cell(march(3), MoneyKind.CONTRIBUTION, "regular", "", 1, 100),
        Cell(march(5), MoneyKind.CONTRIBUTION, "regular", "", 1, 250),
        Cell(march(8), MoneyKind.CONTRIBUTION, "regular", "", 1, 70),
    ]
    assert net(received.read(date(2025, 4, 1))) == (1, 40)
    assert net(received.read(through=2)) == (3, 100 + 250 + 30)  # as it was before the third file


def test_what_was_taken_back_is_taken_off(received):
    received.row(1, 2, "S1", 100, march(3))
    received.row(1, 3, "S1", 100, march(3), data_type=2)
    received.row(1, 4, "S2", 100, march(3))
    received.row(1, 5, "S9", 60, march(4), WAITING, data_type=2)
    assert [(one.day.day, one.rows, one.fen) for one in received.read()] == [(3, 1, 100), (4, -1, -60)]


def test_any_rows_against_a_second_computation(received):
    """The second one goes through each serial's rows in the order in which they came."""
    chance = random.Random(7)
    recorded = set()
    for place in range(120):
        identity = f"S{chance.randint(1, 30)}", chance.choice([1, 1, 2])
        booked = identity in recorded
        ended = chance.choice([REFUSED] if booked else [RECORDED, REFUSED, WAITING])
        recorded |= {identity} if ended == RECORDED else set()
        day = date(2025, chance.choice([3, 4]), chance.randint(1, 28))
        received.row(place // 10 + 1, place, identity[0], chance.randint(1, 99), day, ended, identity[1])
    for through in (4, 9, 99):
        last = {}
        for file_id, _line, serial, data_type, fen, on, ended, *_ in received.rows:
            if file_id <= through and last.get((serial, data_type), (0, 0, 0))[2] != RECORDED:
                last[serial, data_type] = (on, fen, ended)
        for month in (3, 4):
            mine = [(fen, kind) for (_, kind), (on, fen, _) in last.items() if on.month == month]
            expected = sum(3 - 2 * kind for _, kind in mine), sum(fen * (3 - 2 * kind) for fen, kind in mine)
            assert net(received.read(date(2025, month, 1), through)) == expected


def test_the_county_is_that_of_the_latest_account(book, received):
    account = book.open()
    with book.log.connections.connection() as connection:
        ((participant,),) = connection.execute(
            book.log.sql("SELECT participant_id FROM {account_holder} WHERE account_id = %s"), (account,)
        ).fetchall()
        connection.execute(
            book.log.sql("INSERT INTO {account_holder} VALUES (%s, %s, '640100.02.001.001')"), (new_id(), participant)
        )
    received.row(1, 2, "S1", 100, march(3), who=participant)
    received.row(1, 3, "S2", 50, march(3), REFUSED, who=None)
    assert [(one.county, one.fen) for one in received.read(by_county=True)] == [("", 50), ("640100.02", 100)]


def test_money_out_by_business_and_what_was_reversed_of_it(book):
    account, other = book.open(), book.open()
    for one in (account, other):
        book.pay(one, date(2025, 1, 10), 100_000)
    book.pay_out(account, 700, march(5), BenefitPaid)
    book.pay_out(account, 900, march(6), BenefitPaid)
    book.pay_out(account, 50, march(7), Refunded)
    book.pay_out(account, 1, date(2025, 4, 1), Refunded)
    before = book.log.position()[0]
    book.reverse(account, 4)
    book.leave(other, march(9), reason="死亡")
    catch_up(book.log)

    def paid(position):
        with book.log.connections.connection() as connection:
            return MonthTotals(connection, book.log, MARCH, 0, position).paid_out()

    assert paid(before) == {Business.PENSION: Figures(2, 1600), Business.REFUND: Figures(1, 50)}
    out = -sum(event.effect.total for event in book.money(other)[-1:])
    assert out >= 100_000
    assert paid(book.log.position()[0]) == {
        Business.PENSION: Figures(1, 700),
        Business.REFUND: Figures(1, 50),
        Business.CLOSURE: Figures(1, out),
    }


def state(book, source, *totals, sha=None):
    key = sha or f"{source}{len(totals)}{totals}".encode()[:32]
    return ExchangeTotals(book.log).take_in(source, key, totals, Origin("甲"))


def test_every_comparison_of_a_month_and_only_of_files_up_to_one(book, received):
    account = book.open()
    book.pay(account, date(2025, 1, 10), 100_000)
    book.pay_out(account, 700, march(5), BenefitPaid)
    catch_up(book.log)
    received.row(1, 2, "S1", 100, march(30), kind=KINDS.index(MoneyKind.SOCIAL_AID))
    last = march(31)

    def differences(through):
        position = book.log.position()[0]
        with book.log.connections.transaction() as connection:
            found = totals_differences(connection, book.log, MARCH, through, position)
        return [(one.key, one.category, one.fen) for one in found]

    assert differences(99) == []
    state(book, FileKind.TREASURY, StatedTotal(2, march(30), march(30), 90))
    state(book, FileKind.FISCAL_ACCOUNT, StatedTotal(2, march(4), march(4), -5), sha=b"f1")
    state(book, FileKind.FISCAL_ACCOUNT, StatedTotal(2, date(2025, 4, 2), date(2025, 4, 2), 90), sha=b"f2")
    state(book, FileKind.INCOME_ACCOUNT, StatedTotal(2, date(2025, 2, 4), date(2025, 2, 4), 7))
    state(book, FileKind.EXPENDITURE_ACCOUNT, StatedTotal(2, march(4), march(4), -600, business=Business.PENSION))
    state(book, FileKind.COUNTY, StatedTotal(2, march(1), last, 10, county=COUNTY))
    state(book, FileKind.COLLECTED, StatedTotal(2, march(1), last, 100, 2))
    assert differences(99) == [
        ("tax_treasury|2025-03-30||||", "AMOUNT", 10),
        ("treasury_fiscal|2025-03-30||||", "CUTOFF", 90),
        ("agency_bank|2025-03||||pension", "AMOUNT", 100),
        ("agency_bank|2025-03||||income_account", "AMOUNT", 7),
        (f"pool_county|2025-03-01/2025-03-31|||{COUNTY}|", "TAX_ONLY", -10),
        ("pool_county|2025-03|social_aid|||", "AGENCY_ONLY", 100),
        ("collected|2025-03-01/2025-03-31||||", "AMOUNT", 0),
    ]
    assert differences(2) == [
        ("tax_treasury|2025-03-30||||", "AMOUNT", 10),
        ("treasury_fiscal|2025-03-30||||", "AMOUNT", 90),
    ]


def test_a_month_of_which_sums_were_stated_is_due_to_be_folded_again(book):
    catch_up(book.log)
    register = Register(book.log, Keys(b"k" * 32))
    reconcile(book.log, register, MARCH)
    assert months_due(book.log, MARCH) == []
    state(book, FileKind.TREASURY, StatedTotal(2, march(30), march(30), 90))
    assert months_due(book.log, MARCH) == [MARCH]
    reconcile(book.log, register, MARCH)
    assert months_due(book.log, MARCH) == []
    with book.log.connections.connection() as connection:
        statement = book.log.sql("SELECT comparison, category, fen FROM {reconciliation_difference_v1}")
        assert connection.execute(statement).fetchall() == [("tax_treasury", "AGENCY_ONLY", -90)]


def test_a_month_in_which_money_moved_without_a_file_is_due_again(book, monkeypatch):
    """At a counter, by its day; the months before it stand, and know up to where the log was looked through."""
    account = book.open()
    february, april = date(2025, 2, 1), date(2025, 4, 1)
    book.pay(account, march(3), 500_00, serial="M1")
    book.pay(account, date(2025, 1, 3), 900_00, serial="M0")
    catch_up(book.log)
    register = Register(book.log, Keys(b"k" * 32))
    for month in (february, MARCH, april):
        reconcile(book.log, register, month)
    assert months_due(book.log, april) == []

    def recorded(answer):
        assert not isinstance(answer, Refusal)
        catch_up(book.log)

    recorded(book.pay_out(account, 100_00, date(2025, 5, 2)))
    assert months_due(book.log, april) == []
    recorded(book.pay_out(account, 100_00, march(4)))
    assert months_due(book.log, february) == []
    assert months_due(book.log, april) == [MARCH, april]
    reconcile(book.log, register, april)
    recorded(book.reverse(account, 2))
    assert months_due(book.log, april) == [MARCH, april]
    reconcile(book.log, register, april)
    recorded(book.pay(account, april, 300_00, serial="M2"))
    monkeypatch.setattr(reconciliation, "LOOKED_AGAIN_MAX", 0)
    assert reconcile(book.log, register, MARCH) == []
    assert months_due(book.log, april) == [april]
    with book.log.connections.connection() as connection:
        statement = book.log.sql("SELECT position FROM {reconciliation_month_v1} ORDER BY month")
        positions = [one for (one,) in connection.execute(statement)]
    assert positions[:2] == [book.log.position()[0]] * 2 > positions[2:]
