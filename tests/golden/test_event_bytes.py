"""The stored bytes of every event type and class version, for ever.

What was recorded once is never rewritten, so the bytes in `events/` are what every later version of this software must
read, and what today's software must write. A golden file is added with a new type or a new class version and then left
alone: `SHA256SUMS` and, where the history is at hand, the history say so.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ledger.account import evolve, fold
from ledger.account_events import AccountEvent, InterestAdjusted, InterestCredited, MoneyEvent
from ledger.interest import Rate, year_interest
from ledger.plan import fold_plan
from ledger.reconciliation_month import fold_month_events
from ledger.region_rules import folded_rules
from ledger.store.mapper import TYPES, decode, encode
from tests.golden.streams import (
    ALL_THAT_IS_LEFT,
    EARLIER,
    FOLDER,
    FULL,
    HOLDER,
    LEAVING_INTEREST,
    MINIMAL,
    MONTH,
    PLAN,
    REALISTIC,
    TWICE,
    UNPAID,
    golden_files,
    golden_rules,
    golden_stream,
    golden_stream_of_a_closure,
    golden_stream_of_a_declaration,
    golden_stream_of_an_erasure,
)

GOLDEN = dict(golden_files())
SUMS = FOLDER.parent / "SHA256SUMS"
REPOSITORY = FOLDER.parents[2]


def topic_of(name: str) -> str:
    return re.split(r"\.v\d+\.", name)[0]


@pytest.mark.parametrize("name", GOLDEN)
def test_today_writes_exactly_these_bytes(name):
    assert encode(GOLDEN[name]) == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.glob("*.json")))
def test_every_golden_file_is_read_as_the_event_it_was(name):
    """Also files of earlier class versions, which today no longer writes."""
    assert decode(topic_of(name), (FOLDER / name).read_bytes()) == {**GOLDEN, **EARLIER}[name]


def test_every_type_and_class_version_has_its_golden_files():
    wanted = {
        f"{topic}.v{version}{suffix}.json"
        for topic, event in TYPES.items()
        for version in range(1, event.class_version + 1)
        for suffix in ("", ".full", ".minimal")
    }
    assert {file.name for file in FOLDER.iterdir()} == wanted
    assert {type(event).topic for event in REALISTIC} == set(TYPES)


@pytest.mark.parametrize("event", FULL, ids=lambda event: event.topic)
def test_the_full_event_leaves_nothing_at_its_default(event):
    """`interest_from` of an interest is always 0; all else that may be left out is said."""
    left_out = {
        field.name
        for field in msgspec.structs.fields(event)
        if not field.required and getattr(event, field.name) == field.default
    }
    assert left_out <= ({"interest_from"} if "interest" in event.topic else set())


@pytest.mark.parametrize("event", MINIMAL, ids=lambda event: event.topic)
def test_the_minimal_event_says_only_what_it_must(event):
    required = {field.name for field in msgspec.structs.fields(event) if field.required}
    assert set(json.loads(encode(event))) - {"class_version"} == required


@pytest.mark.parametrize("name", [name for name, event in GOLDEN.items() if isinstance(event, MoneyEvent)])
def test_what_sql_folds_stands_where_sql_looks_for_it(name):
    """`effect` by kind in whole fen, `effective_on` as an ISO date, `year` as a number: never renamed or retyped."""
    stored = json.loads((FOLDER / name).read_bytes())
    event = GOLDEN[name]
    assert isinstance(event, MoneyEvent)
    assert {kind: fen for kind, fen in zip(
        ("contribution", "government_paid", "collective_subsidy", "social_aid", "government_subsidy", "interest"),
        event.effect.by_kind(), strict=True,
    ) if fen} == stored["effect"]  # fmt: skip
    assert all(type(fen) is int for fen in stored["effect"].values())
    assert date.fromisoformat(stored["effective_on"]) == event.effective_on
    assert stored["year"] == event.year
    assert type(stored["year"]) is int
    assert stored.get("interest_from", 0) == event.interest_from


def test_a_golden_file_once_committed_never_changes():
    """Against the sums beside the files; a new file joins them with `sha256sum events/*.json > SHA256SUMS`."""
    written = dict(reversed(line.split("  ")) for line in SUMS.read_text(encoding="utf-8").splitlines())
    found = {f"events/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    assert found == written


def test_the_history_knows_of_no_change_to_a_golden_file():
    """Changed, deleted or renamed in any commit: the sums may have been changed with it, the history was not."""
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        pytest.skip("no history at hand")
    history = [git, "-C", str(REPOSITORY), "log", "--format=%h", "--name-only", "--no-renames"]
    folder = str(FOLDER.relative_to(REPOSITORY))
    touched = subprocess.run(
        [*history, "--diff-filter=MDT", "--", folder], capture_output=True, check=True, text=True, timeout=60
    )
    assert touched.stdout == ""


def test_the_goldens_go_through_evolve_in_one_life():
    """A balance is taken over, a year of movements follows, and nothing is left when it has moved out."""
    for stream in (golden_stream(), golden_stream_of_a_closure()):
        state = fold(stream)
        assert state.version == len(stream)
        assert state.closed
        assert state.balance.by_kind() == (0, 0, 0, 0, 0, 0)
        assert (state.first_year, state.credited_through) == (2024, 2025)
        before = fold(stream[:-1])
        assert before.balance == ALL_THAT_IS_LEFT
        assert before.room_taken(2024).collective == 30000
        assert before.room_taken(2024).social == 0, "its reversal gave the room back"


def test_room_is_taken_filled_by_money_and_given_back():
    opened, declared, paid_in_part, released, reversed_entry = golden_stream_of_a_declaration()
    life = (opened, declared, paid_in_part, released, reversed_entry)
    rooms = [fold(life[:count]).room_taken(2024)[1:] for count in (2, 3, 4, 5)]
    assert rooms == [(0, 0, 30000, 0), (20000, 0, 10000, 0), (20000, 0, 0, 0), (0, 0, 0, 0)]
    with pytest.raises(ValueError, match="declared for this account before"):
        evolve(fold((opened, declared)), declared)
    with pytest.raises(ValueError, match="holds less"):
        evolve(fold((opened, declared, paid_in_part)), msgspec.structs.replace(released, fen=10001))


def test_the_golden_plan_goes_through_its_fold():
    drafted, step, declared, reviewed, allocated, taken_back, suspended, resumed, _, closed = PLAN
    plan = fold_plan((drafted, step, declared, reviewed, allocated, taken_back, suspended, resumed, closed))
    (roster,) = plan.rosters
    assert (plan.version, plan.closed, plan.suspended_on) == (9, True, None)
    assert (roster.standing, roster.unallocated, plan.unallocated) == ("allocated", 60000, 60000)
    assert [one.name for one in plan.taken("subsidy")] == ["deliberated"]


def test_the_golden_month_goes_through_its_fold():
    assigned, explained, resolved, signed, reopened = MONTH
    month = fold_month_events((assigned, explained, resolved, signed))
    assert (month.version, month.signed) == (4, signed)
    unpaid, twice = month.marks[UNPAID], month.marks[TWICE]
    assert (unpaid.status, unpaid.owner, unpaid.reason) == ("explained", "示例旗社保经办机构", "已催缴")
    assert (twice.status, twice.resolved_by) == ("resolved", (HOLDER, 14, "account.refunded"))
    assert fold_month_events(MONTH) == msgspec.structs.replace(month, version=5, signed=None)
    with pytest.raises(ValueError, match="while signed"):
        fold_month_events((signed, explained))
    with pytest.raises(ValueError, match="while open"):
        fold_month_events((reopened,))


def test_an_erasure_moves_the_version_and_nothing_else():
    *before, erased = golden_stream_of_an_erasure()
    state = fold(before)
    assert evolve(state, erased) == msgspec.structs.replace(state, version=state.version + 1)


def test_the_interest_in_the_goldens_is_what_the_account_earned():
    """They show what the ledger records, so the state before each must give just that event's figures."""
    stream = golden_stream()
    before = None
    for event in stream:
        if isinstance(event, InterestCredited):
            assert before is not None
            rate = Rate.of(event.rate, event.rate_document)
            entries = before.entries_of(event.year)
            interest = year_interest(before.opening, entries, rate, event.rounding, event.through_month)
            assert (interest.fen_months, interest.effect) == (event.fen_months, event.effect)
        if isinstance(event, InterestAdjusted):
            exact = Decimal(event.fen_months.total) * Decimal(event.rate) / 12
            assert (event.after, event.effect.interest) == (round(exact), event.after - event.before)
        before = evolve(before, event)


def test_the_goldens_read_from_their_bytes_fold_to_the_same_state():
    state = None
    for event in golden_stream():
        stored = encode(event) if event is LEAVING_INTEREST else (FOLDER / f"{event.topic}.v1.json").read_bytes()
        read = decode(event.topic, stored)
        assert isinstance(read, AccountEvent)
        state = evolve(state, read)
    assert state == fold(golden_stream())


def test_the_golden_rules_are_rules():
    rules = folded_rules(golden_rules())
    assert (rules.region, rules.version) == ("neimenggu", 2)
    rate = rules.rate(2024)
    assert rate is not None
    assert (rate.text, rate.document) == ("0.0262", "示例人社〔2025〕1号")


def test_no_personal_data_stands_in_a_golden_file():
    """An event has no field for a name, a citizen number, a phone or a bank account."""
    fields = {field for event in TYPES.values() for field in event.__struct_fields__}
    assert not {
        name for name in fields if any(word in name for word in ("citizen", "phone", "bank", "birth", "address"))
    }
    assert {topic for topic, event in TYPES.items() if "name" in event.__struct_fields__} == {
        "rules.pool_opened",
        "rules.value_entered",
    }


def test_a_golden_file_is_one_line_of_plain_utf_8():
    for file in sorted(Path(FOLDER).iterdir()):
        text = file.read_text(encoding="utf-8")
        assert "\n" not in text, file.name
        assert "\\u" not in text, file.name
