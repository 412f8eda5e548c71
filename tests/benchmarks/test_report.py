"""The rows: limits bind from their size on, on their side; one bad row fails the run."""

import json

import pytest

from benchmarks.report import FULL, MEASURES, exit_code, in_order, row, write


def test_every_row_of_the_report_has_a_name_here():
    assert list(MEASURES) == [
        "interest_vs_bare_work",
        "interest_vs_library_500",
        "interest_rss_mb",
        "interest_rss_growth",
        "import_payments_rows_per_s",
        "import_rss_mb",
        "reconcile_vs_outer_join",
        "reconcile_rss_mb",
        "rebuild_balances_vs_scan",
        "rebuild_all_vs_scan",
        "open_account_600_vs_6",
        "statement_600_vs_6",
        "commands_64_vs_own_1",
        "commands_64_vs_64_inserts",
        "commands_1_vs_1_insert",
        "commands_p99_during_run_16",
        "commands_p99_during_run_64",
        "commands_rate_during_run",
        "run_rate_during_commands",
        "commands_while_export",
        "roster_review_rows_per_s",
        "roster_allocation_rows_per_s",
        "roster_rss_mb",
        "roster_lock_ms",
        "http_statement_vs_bare_endpoint",
    ]


@pytest.mark.parametrize(
    ("name", "value", "limit", "ok"),
    [
        ("interest_vs_bare_work", 2.0, 2.0, True),
        ("interest_vs_bare_work", 2.001, 2.0, False),
        ("interest_vs_library_500", 40.0, 40.0, True),
        ("interest_vs_library_500", 39.9, 40.0, False),
        ("interest_rss_mb", 250.1, 250.0, False),
        ("interest_rss_growth", 1.21, 1.2, False),
        ("import_payments_rows_per_s", 9_999.0, 10_000.0, False),
        ("import_rss_mb", 9_999.0, None, True),
        ("rebuild_balances_vs_scan", 0.4, 0.4, True),
        ("rebuild_all_vs_scan", 0.19, 0.2, False),
        ("open_account_600_vs_6", 1.6, 1.5, False),
        ("statement_600_vs_6", 3.0, 3.0, True),
    ],
)
def test_a_limit_holds_at_a_million_accounts(name, value, limit, ok):
    judged = row(name, FULL, value)
    assert (judged.limit, judged.ok) == (limit, ok)


def test_a_limit_of_a_larger_size_binds_nobody():
    shown = row("interest_vs_bare_work", 10_000, 9.9)
    assert shown.limit is None
    assert shown.ok


def test_what_is_compared_with_an_untrusted_baseline_is_not_ok_at_any_size():
    assert not row("interest_vs_bare_work", 10_000, 1.0, sound=False).ok


def test_one_bad_row_fails_the_run_and_so_does_none():
    good, bad = row("statement_600_vs_6", 10_000, 1.0), row("open_account_600_vs_6", 10_000, 7.0)
    assert exit_code([good]) == 0
    assert exit_code([good, bad]) == 1
    assert exit_code([]) == 1


def test_results_are_a_list_with_the_largest_size_last(tmp_path):
    rows = [row("interest_rss_mb", size, 100.0) for size in (FULL, 10_000, 100_000)]
    path = tmp_path / "results.json"
    write([*rows, row("interest_vs_bare_work", FULL, 1.8, info={"ours_s": [1.0]})], path)
    told = json.loads(path.read_text(encoding="utf-8"))
    assert [one["size"] for one in told] == [10_000, 100_000, FULL, FULL]
    assert told[2]["name"] == "interest_vs_bare_work"
    assert {"name", "size", "value", "unit", "limit", "ok"} <= set(told[0])
    assert in_order(rows)[-1].size == FULL
