"""An interest run parted among processes: each account once, in key order, whatever happens beside."""

from datetime import date
from uuid import UUID

import pytest

from ledger.account_events import InterestCredited
from ledger.jobs import interest_run
from ledger.jobs.interest_pages import STRETCH_PAGES, Job, _pages, decide_page
from ledger.jobs.interest_run import InterestRun, _joined
from ledger.store.states import FIRST, LAST, borders, states_of
from tests.ledger.desk.counter import Counter, enter_value, set_up

PEOPLE = 60
YEAR = 2023


@pytest.fixture
def counter(pool_log):
    """Accounts with money in 2023, each another sum."""
    set_up(pool_log)
    made = Counter(pool_log)
    accounts = made.accounts(PEOPLE)
    made.together(*(made.pay(account, 100_00 + place) for place, account in enumerate(accounts)))
    return made


def accounts_of(counter):
    with counter.log.connections.connection() as connection:
        rows = connection.execute(counter.log.sql("SELECT account_id FROM {account_state} ORDER BY account_id"))
        return [account for (account,) in rows]


def credited_in_order(counter):
    return [row.account for row in counter.rows() if row.topic == InterestCredited.topic]


def job(counter, **said):
    plain = {"url": "", "pool": counter.log.pool, "year": YEAR, "actor": "甲", "reviewer": "乙", "page": 1}
    return Job(**{**plain, "today": date(2026, 1, 5), **said})


def stretches(pages):
    """The accounts of each stretch; an empty page ends one."""
    parted, accounts = [], []
    for page in pages:
        accounts += [UUID(bytes=account) for account, _ in page]
        if not page:
            parted.append(accounts)
            accounts = []
    assert not accounts
    return parted


def test_many_stretches_are_recorded_in_key_order_each_account_once(counter, monkeypatch):
    monkeypatch.setattr(interest_run, "TRANCHE", 2)
    assert len(borders(counter.log, FIRST, STRETCH_PAGES * 2)) >= 2 * interest_run.HELPERS
    looked_at = []
    report = InterestRun(counter.log, YEAR, "甲", "乙").run(looked_at.append)
    assert (report.credited, sum(looked_at)) == (PEOPLE, PEOPLE)
    assert credited_in_order(counter) == accounts_of(counter)
    again = InterestRun(counter.log, YEAR, "甲", "乙").run()
    assert (again.credited, again.already_credited) == (0, PEOPLE)


def test_rules_that_move_begin_it_again_behind_what_is_recorded(counter, monkeypatch):
    monkeypatch.setattr(interest_run, "TRANCHE", 2)
    record, turns = InterestRun._record, []

    def moved_at_the_fifth(self, tranche):
        turns.append(tranche.after)
        if len(turns) == 5:
            enter_value(counter.log, "rate", 2025, "0.02")
        return record(self, tranche)

    monkeypatch.setattr(InterestRun, "_record", moved_at_the_fifth)
    report = InterestRun(counter.log, YEAR, "甲", "乙").run()
    assert turns.count(turns[4]) == 2  # the tranche that came too late, and the first of the second beginning
    assert report.credited == PEOPLE
    assert credited_in_order(counter) == accounts_of(counter)


@pytest.mark.parametrize("helpers", [1, 2, 3])
def test_a_stretch_that_grows_after_it_was_parted_loses_nobody(counter, helpers):
    """Thirty accounts more between two keys of the second stretch: four times what one statement reads."""
    parted = borders(counter.log, FIRST, 7)
    first, second = (int.from_bytes(key, "big") for key in parted[:2])
    copied = counter.log.sql(
        "INSERT INTO {account_state} SELECT %s, version, credited_through, state FROM {account_state} LIMIT 1"
    )
    with counter.log.connections.connection() as connection:
        for place in range(1, 31):
            connection.execute(copied, (UUID(int=first + (second - first) * place // 40),))
    said = [
        stretches(_pages(counter.log, job(counter, borders=tuple(parted), helpers=helpers, turn=turn)))
        for turn in range(helpers)
    ]
    merged = [said[stretch % helpers][stretch // helpers] for stretch in range(len(parted) + 1)]
    assert len(merged[1]) == 7 + 30
    assert [account for stretch in merged for account in stretch] == accounts_of(counter)


def test_it_goes_on_behind_a_key(counter):
    everybody = accounts_of(counter)
    after = everybody[22].bytes
    parted = borders(counter.log, after, 10)
    assert [UUID(bytes=key) for key in parted] == everybody[32::10]
    (rest,) = [stretches(_pages(counter.log, job(counter, after=after, borders=tuple(parted))))]
    assert [account for stretch in rest for account in stretch] == everybody[23:]
    assert FIRST < everybody[0].bytes < LAST


def test_pages_decided_under_older_rules_make_the_tranche_older(counter):
    """Two processes may have read the rules before and after a change: the tranche must not pass for new."""
    rules = counter.log.rules()
    page = states_of(counter.log, [account.bytes for account in accounts_of(counter)[:4]])
    old, new = (decide_page(part, job(counter), rules) for part in (page[:2], page[2:]))
    new.head.rules_version += 1
    for pages in ([old, new], [new, old]):
        assert _joined(FIRST, pages).rules_version == old.head.rules_version
