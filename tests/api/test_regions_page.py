"""`docs/regions.md` is what the rules files say, as the command prints it."""

from pathlib import Path

from api.cli.main import run
from api.files.regions_page import regions_page
from ledger.forms.rules import read_forms
from ledger.procedure import read_procedures
from ledger.region_rules import METHODS, REGIONS

PAGE = (Path(__file__).parents[2] / "docs" / "regions.md").read_text("utf-8")
YEAR = 2026


def test_the_page_is_what_the_files_say(capsys):
    """After a change of the rules: `pension-ledger rules table --year 2026 > docs/regions.md`."""
    assert regions_page(YEAR) == PAGE
    assert run(["rules", "table", "--year", str(YEAR)]) == 0
    assert capsys.readouterr().out == PAGE


def test_every_value_and_every_step_stands_there_with_its_clause():
    for name in METHODS:
        assert f"| `{name}` |" in PAGE
    for region in REGIONS:
        for chain in read_procedures(region).values():
            for step in chain.steps.values():
                (line,) = [
                    one
                    for one in PAGE.splitlines()
                    if one.startswith(f"| {step.title}<br>`{step.name}`") and one.endswith(f"| {step.citation} |")
                ]
                assert line.count("|") == 8


def test_every_form_stands_there_with_its_clause():
    for region in REGIONS:
        for form in read_forms(region).forms.values():
            assert f"<br>`{form.name}` |" in PAGE
            assert f"| {form.citation} |" in PAGE
