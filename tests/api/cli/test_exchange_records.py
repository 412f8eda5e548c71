"""Every received row is kept once, with how it ended and who it is about sealed; a cancellation can wait."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.exchange import ENDINGS
from ledger.jobs import intake, payment_pages
from ledger.store.exchange_records import BETWEEN, INTAKE, ExchangeRecords, bond
from projections.exchange_proof import exchange_faults, record_faults
from tests.api.cli.desk import RECORDED, REFUSED, THERE, Desk, environment, person
from tests.api.cli.test_import_read_ahead import overtaken_once
from tests.api.cli.test_import_runs import WITHOUT_COURTESY, start, stopped_before, wait_until
from tests.api.cli.test_plan_funds import close, figures, pay, plan_of, row
from tests.api.cli.village import PAYER, PEOPLE, Village

ANNA, BELA, STRANGER = person(611, "欧阳安"), person(612, "司徒贝"), person(613, "令狐无名")
DONOR = person(614, "慕容善施")
CANCELLED = {"数据类型": "撤销"}
WAITS = "NOTHING_TO_REVERSE"
WORDS = {RECORDED: "recorded", THERE: "already_there", REFUSED: "refused", "待办": "waiting"}


@pytest.fixture
def desk(open_desk) -> Desk:
    made = open_desk()
    made.enrol(ANNA, BELA)
    return made


def take(desk: Desk, rows: list[Any], name: str = "paid.csv", *more: object) -> Path:
    file = desk.payments(rows, name)
    assert desk.import_("payments", file, *more, inside=True).code in (0, 2)
    return file


def kept(desk: Desk) -> list[tuple[Any, ...]]:
    """File by the order in which they came, line, and ending of every row."""
    rows = desk.query("SELECT file_id, line, ended FROM {exchange_record} ORDER BY 1, 2")
    files = sorted({file for (file,) in desk.query("SELECT file_id FROM {exchange_file}")})
    return [(files.index(file), line, ENDINGS[ended]) for file, line, ended in rows]


def as_told(desk: Desk, file: Path, place: int = 0) -> list[tuple[int, int, str]]:
    """What the result file says of each row, as it must be kept."""
    return [(place, row.line, WORDS[row.outcome]) for row in desk.results(file)]


def nothing_wrong(desk: Desk) -> None:
    assert [*exchange_faults(desk.log), *record_faults(desk.register)] == []


def opened(desk: Desk) -> dict[tuple[str, int], list[str]]:
    """What is sealed of every row, by serial and line."""
    intake_key = ExchangeRecords(desk.log).intake_key(desk.register.keys)
    rows = desk.query(
        "SELECT r.serial, r.line, f.sha256, r.participant_id, p.wrapped_key, r.sealed FROM {exchange_record} r"
        " JOIN {exchange_file} f USING (file_id) LEFT JOIN {participant} p USING (participant_id)"
    )
    told = {}
    for serial, line, sha256, who, wrapped, sealed in rows:
        key = desk.register.keys.unwrapped(bytes(wrapped), who.bytes) if who else intake_key
        text = key.opened(bytes(sealed), bond(who.bytes if who else INTAKE, bytes(sha256), line))
        told[serial, line] = text.split(BETWEEN)
    return told


def of_every_ending(desk: Desk) -> list[Any]:
    first = desk.payment(ANNA, "R1")
    return [
        first,
        first,
        {**first, "实缴金额（元）": "1.00"},
        desk.payment(STRANGER, "R2"),
        desk.payment(BELA, "R3", "x"),
        desk.payment(BELA, "R4", 公民身份号码="?"),
        {**first, "公民身份号码": ANNA.name, "姓名": ANNA.number, "缴费明细流水号": ANNA.number},
        desk.payment(BELA, "R5", **CANCELLED),
        desk.payment(BELA, "R6", 统筹区编码="999999"),
        {**first, **CANCELLED},
    ]


def test_every_row_is_kept_once_with_how_it_ended(desk):
    """Through the installed command; again, in other bytes, and of a dry run."""
    rows = of_every_ending(desk)
    file = desk.payments(rows)
    tried = desk.import_("payments", file, "--dry-run")
    told = desk.results(file)
    assert (desk.query("SELECT count(*) FROM {exchange_file}"), kept(desk)) == ([(0,)], [])
    done = desk.import_("payments", file)
    assert (tried.code, done.code, desk.results(file)) == (2, 2, told)
    assert tried.out.replace("试算（未记账）", "完成") == done.out
    first = as_told(desk, file)
    assert kept(desk) == first
    assert {ending for *_, ending in first} == set(ENDINGS[1:])
    assert [line for _, line, _ in first] == list(range(2, len(rows) + 2))
    assert desk.import_("payments", file).code == 2
    assert kept(desk) == first
    other = take(desk, [*rows, desk.payment(ANNA, "R7")], "other.csv")
    second = as_told(desk, other, 1)
    assert [ending for *_, ending in second] == [
        "already_there", "already_there", "refused", "refused", "refused", "refused", "refused", "waiting", "refused",
        "already_there", "recorded",
    ]  # fmt: skip
    assert kept(desk) == first + second
    nothing_wrong(desk)


def test_who_a_row_is_about_opens_and_who_pays_as_a_person_is_not_kept(desk):
    desk.prepare(
        "payer", "register", "--pool", desk.code, "--kind", "person", "--citizen", DONOR.number, "--name", DONOR.name,
        "--village", "青县/青镇/青村", "--document", "登记1号", "--actor", "甲", "--reviewer", "乙",
    )  # fmt: skip
    desk.set("cap", 2023, "1000")
    slip = DONOR.number[:-1] + ("0" if DONOR.number[-1] != "0" else "1")
    spaced = f"{DONOR.number[:6]} {DONOR.number[6:]}"
    rows = [
        desk.payment(who, f"D{place}-{at}", 征收品目="社会资助", 来源单位=payer, **cells)
        for at, payer in enumerate((DONOR.number, spaced, slip, DONOR.name))
        for place, (who, cells) in enumerate(
            ((ANNA, {}), (STRANGER, {}), (BELA, {"公民身份号码": "?"}), (BELA, {"实缴金额（元）": "x"}))
        )
    ]
    rows.append(desk.payment(ANNA, "D9", 公民身份号码="?", 征收品目="社会资助", 来源单位=PAYER))
    take(desk, rows)
    told = opened(desk)
    assert len(told) == len(rows)
    assert told["D0-0", 2] == [ANNA.number, ANNA.name]
    assert told["D1-0", 3] == [STRANGER.number, STRANGER.name]
    assert PAYER in told["D9", len(rows) + 1]
    for cells in told.values():
        text = "".join("".join(cells).split())
        assert not any(word in text for word in (DONOR.number, slip[:-1], DONOR.name)), cells
    ((code,),) = desk.query("SELECT code FROM {person_donor}")
    assert {payer for (payer,) in desk.query("SELECT payer FROM {exchange_record}")} == {"", code, PAYER}
    nothing_wrong(desk)


def test_the_same_file_again_books_what_it_could_not_before(desk):
    """How the row ended when it came stays; the event names it."""
    file = take(desk, [desk.payment(STRANGER, "N1")])
    before = kept(desk)
    desk.enrol(STRANGER)
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.outcomes(file) == [RECORDED]
    assert kept(desk) == before == [(0, 2, "refused")]
    nothing_wrong(desk)


# -- kills, and two at once ----------------------------------------------------------------------------------------

SMALL_TRANCHES = """
import sys
from ledger.jobs import intake
intake.TRANCHE = 4
from api.cli.main import main
main()
"""


def small(desk: Desk, file: Path) -> subprocess.Popen[bytes]:
    """The command on small tranches, in a process that can be killed."""
    command = ("import", "payments", str(file), "--pool", desk.code, "--actor", "甲")
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_TRANCHES, *command],
        env=environment(desk.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("tranche", [1, 2])
def test_killed_around_a_commit_every_row_is_kept_once(desk, tranche):
    """SIGKILL before the first commit, and after two tranches before the third; then again."""
    rows = [*of_every_ending(desk), *(desk.payment(BELA, f"T{place}") for place in range(6))]
    file = desk.payments(rows)
    with stopped_before(desk, tranche, partial(small, desk, file)) as (killed,):
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    early = kept(desk)
    assert len(early) == (0 if tranche == 1 else 8)  # of the second tranche nothing is recorded
    for left in file.parent.glob(".*.partial"):
        left.unlink()
    assert desk.import_("payments", file).code == 2
    told = as_told(desk, file)
    assert kept(desk) == early + told[len(early) :]
    assert [ending for *_, ending in early[:4]] == ["recorded", "already_there", "refused", "refused"][: len(early)]
    assert desk.query("SELECT sum(rows)::int FROM {exchange_month}") == [(14,)]
    nothing_wrong(desk)


def test_killed_between_the_events_and_the_rest_of_a_tranche_the_rest_is_kept_later(desk, monkeypatch):
    """What no event was recorded with is written after them: a kill there loses nothing."""
    rows = of_every_ending(desk)
    file = desk.payments(rows)

    def dies(_intake: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.jobs.intake_payments.PaymentIntake.ended_all", dies)
        assert desk.import_("payments", file, inside=True).code == 130
    assert 0 < len(kept(desk)) <= len(rows)
    assert desk.import_("payments", file, inside=True).code == 2
    assert [line for _, line, _ in kept(desk)] == list(range(2, len(rows) + 2))
    nothing_wrong(desk)


def test_two_runs_of_one_file_at_once_keep_every_row_once(desk):
    rows = [*of_every_ending(desk), *(desk.payment(BELA, f"T{place}") for place in range(6))]
    file, copy = desk.payments(rows), desk.folder / "copy.csv"
    copy.write_bytes(file.read_bytes())

    def racer(one: Path) -> subprocess.Popen[bytes]:
        command = ("import", "payments", str(one), "--pool", desk.code, "--actor", "甲")
        begun = subprocess.Popen(
            [sys.executable, "-c", WITHOUT_COURTESY, *command], env=environment(desk.home), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert begun.stdin is not None
        begun.stdin.write(b"\n")
        begun.stdin.flush()
        return begun

    with stopped_before(desk, 1, partial(racer, file), partial(racer, copy)) as racers:
        pass
    for one in racers:
        _, err = one.communicate(timeout=120)
        assert one.returncode == 2, err.decode()
    mine, theirs = as_told(desk, file), as_told(desk, copy)
    rows_kept = kept(desk)
    assert [line for _, line, _ in rows_kept] == list(range(2, len(rows) + 2))
    assert {rows_kept[0], rows_kept[12]} <= {mine[0], theirs[0], mine[12], theirs[12]}
    assert [ending for *_, ending in rows_kept].count("recorded") == 8
    nothing_wrong(desk)


def test_two_runs_at_once_of_what_no_account_has_keep_it_once(desk, monkeypatch):
    """Nothing is recorded with these rows, so no lock of the log stands between the two."""
    rows = [desk.payment(STRANGER, f"U{place}") for place in range(3)]
    slow, quick = desk.payments(rows, "slow.csv"), desk.folder / "quick.csv"
    quick.write_bytes(slow.read_bytes())
    written, find = [], ExchangeRecords.lines_there

    def overtaken(self: ExchangeRecords, *asked: Any) -> set[int]:
        found = find(self, *asked)
        if not written:
            other = threading.Thread(target=desk.import_, args=("payments", quick))
            written.append(other)
            other.start()
            wait_until(lambda: not other.is_alive() or stands_before_the_file(desk))
        return found

    monkeypatch.setattr(intake, "job_lock", lambda *_: nullcontext())
    monkeypatch.setattr(ExchangeRecords, "lines_there", overtaken)
    assert desk.import_("payments", slow, inside=True).code == 2
    written[0].join()
    assert kept(desk) == as_told(desk, slow)
    nothing_wrong(desk)


def stands_before_the_file(desk: Desk) -> bool:
    """Whether somebody waits to write rows of a file."""
    with desk.log.connections.connection() as connection:
        rows = connection.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s",
            (f"%{desk.log.schema}%exchange_file%FOR UPDATE%",),
        ).fetchall()
    return len(rows) == 1


def test_rows_of_accounts_that_move_meanwhile_are_kept_once_with_their_outcome(desk, monkeypatch):
    """Somebody else books one of the rows, and another row of the other person, before the tranche is recorded."""
    rows = [desk.payment(ANNA, "M1"), desk.payment(BELA, "M2"), desk.payment(STRANGER, "M3"), desk.payment(ANNA, "M4")]
    other = desk.payments([rows[0], desk.payment(BELA, "M9")], "other.csv")
    overtaken_once(monkeypatch, lambda: desk.import_("payments", other, inside=True))
    file = take(desk, rows)
    assert desk.outcomes(file) == [THERE, RECORDED, "UNKNOWN_PERSON", RECORDED]
    mine = [row for row in kept(desk) if row[0] == 0]
    assert mine == as_told(desk, file)
    nothing_wrong(desk)


# -- cancellations that come first ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tranche", [1, 10_000])
def test_a_cancellation_before_its_original_is_done_with_it(desk, monkeypatch, tranche):
    """In an earlier file, in the same tranche, in an earlier tranche; and what follows finds both there."""
    monkeypatch.setattr(intake, "TRANCHE", tranche)
    cancel = {one: desk.payment(ANNA, one, **CANCELLED) for one in ("W1", "W2")}
    early = take(desk, [cancel["W1"]], "early.csv")
    assert desk.outcomes(early) == [WAITS]
    rows = [desk.payment(ANNA, "W1"), cancel["W2"], desk.payment(BELA, "W3"), desk.payment(ANNA, "W2"), cancel["W2"]]
    tried = desk.payments(rows, "late.csv")
    assert desk.import_("payments", tried, "--dry-run", inside=True).code == 2
    told = desk.results(tried)
    late = take(desk, rows, "late.csv")
    assert desk.results(late) == told
    assert desk.outcomes(late) == [RECORDED, WAITS, RECORDED, RECORDED, THERE]
    assert (desk.fen(ANNA), desk.fen(BELA)) == (0, 100_00)
    assert kept(desk) == as_told(desk, early) + as_told(desk, late, 1)
    reversals = [event for event in desk.history(ANNA) if event.topic == "account.entry_reversed"]
    files = desk.query("SELECT encode(sha256, 'hex') FROM {exchange_file} ORDER BY file_id")
    assert [event.cause for event in reversals] == [f"file {files[0][0]}#2", f"file {files[1][0]}#3"]
    position = desk.position()
    for file in (early, late):
        desk.import_("payments", file, inside=True)
    assert desk.position() == position
    assert desk.outcomes(early) == [THERE]
    assert desk.outcomes(late) == [THERE] * 5
    nothing_wrong(desk)


def test_a_cancellation_that_says_something_else_goes_on_waiting(desk):
    """Another sum, period or item, and another person: none of them takes the money back."""
    waits = [
        desk.payment(ANNA, "V1", "99.00", **CANCELLED),
        desk.payment(ANNA, "V2", 费款所属期="2022", **CANCELLED),
        desk.payment(ANNA, "V3", 征收品目="政府代缴", **CANCELLED),
        desk.payment(BELA, "V4", **CANCELLED),
    ]
    assert desk.outcomes(take(desk, waits, "waits.csv")) == [WAITS] * 4
    file = take(desk, [desk.payment(ANNA, f"V{place}") for place in (1, 2, 3, 4)])
    assert desk.outcomes(file) == [RECORDED] * 4
    assert desk.fen(ANNA) == 400_00
    assert [ending for place, _, ending in kept(desk) if place == 0] == ["waiting"] * 4
    right = take(desk, [desk.payment(ANNA, "V1", **CANCELLED)], "right.csv")
    assert (desk.outcomes(right), desk.fen(ANNA)) == ([RECORDED], 300_00)
    nothing_wrong(desk)


def test_a_waiting_cancellation_is_done_once_though_killed_before_the_commit(desk):
    take(desk, [desk.payment(ANNA, "Q1", **CANCELLED)], "early.csv")
    file = desk.payments([desk.payment(ANNA, "Q1"), desk.payment(BELA, "Q2")])
    begin = partial(start, desk, "import", "payments", file, "--pool", desk.code, "--actor", "甲")
    with stopped_before(desk, 1, begin) as (killed,):
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    assert (desk.fen(ANNA), len(kept(desk))) == (0, 1)
    assert desk.import_("payments", file).code == 0
    assert desk.topics(ANNA).count("account.entry_reversed") == 1
    assert (desk.fen(ANNA), desk.fen(BELA)) == (0, 100_00)
    assert desk.import_("payments", file, inside=True).code == 0
    assert desk.topics(ANNA).count("account.entry_reversed") == 1
    nothing_wrong(desk)


def test_a_waiting_cancellation_is_done_once_though_the_account_moved_meanwhile(desk, monkeypatch):
    take(desk, [desk.payment(ANNA, "P1", **CANCELLED)], "early.csv")
    other = desk.payments([desk.payment(ANNA, "P9")], "other.csv")
    overtaken_once(monkeypatch, lambda: desk.import_("payments", other, inside=True))
    file = take(desk, [desk.payment(ANNA, "P1"), desk.payment(BELA, "P2")])
    assert desk.outcomes(file) == [RECORDED, RECORDED]
    assert desk.topics(ANNA).count("account.entry_reversed") == 1
    assert desk.fen(ANNA) == 100_00
    nothing_wrong(desk)


def test_a_cancellation_that_came_after_the_look_ahead_is_found(desk, monkeypatch):
    """The tranche with the original was looked up; then another run keeps its cancellation, waiting, first."""
    other = desk.payments([desk.payment(ANNA, "O1", **CANCELLED)], "other.csv")
    looked_up, look_up = [], payment_pages.look_up

    def seen(*asked: Any) -> Any:
        found = look_up(*asked)
        if not looked_up:
            looked_up.append(1)
            desk.import_("payments", other, inside=True)
        return found

    monkeypatch.setattr(intake, "job_lock", lambda *_: nullcontext())
    monkeypatch.setattr(payment_pages, "look_up", seen)
    file = take(desk, [desk.payment(ANNA, "O1")])
    assert desk.outcomes(file) == [RECORDED]
    again = take(desk, [desk.payment(ANNA, "O1", **CANCELLED)], "again.csv")  # the tax side sends it once more
    assert desk.outcomes(again) in ([RECORDED], [THERE])
    assert desk.fen(ANNA) == 0
    nothing_wrong(desk)


def test_what_a_plan_would_hold_is_not_held_where_its_cancellation_waits(open_desk):
    """The payer's money went back before any account could have it: the plan received nothing."""
    village = Village(open_desk("ningxia"))
    village.plan_id, _ = village.reviewed()
    close(village, PEOPLE[0])
    back = row(village, PEOPLE[0], "H1", **CANCELLED)
    _, early = pay(village, back, name="early.csv")
    assert village.desk.outcomes(early) == [WAITS]
    _, file = pay(village, row(village, PEOPLE[0], "H1"), row(village, PEOPLE[0], "H2"))
    assert village.desk.outcomes(file) == ["ACCOUNT_CLOSED"] * 2
    assert "税务已撤销本笔" in village.desk.results(file)[0].text
    assert [one.serial for one in plan_of(village).held] == ["H2"]
    assert figures(village) == (300, 0, 300)
    nothing_wrong(village.desk)
