"""Each region's procedure, step by step: accepted in its order, refused out of it with the clause of the step."""

import shutil
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure import ACTORS, EVIDENCE, Attempt, Next, Procedure, Taken, Went, read_procedures
from ledger.refusals import Reason, Refusal
from ledger.region_rules import REGIONS, SHIPPED
from ledger.working_days import due, passed

YEAR = 2025
TODAY = date(2026, 1, 20)
FIRST_DAY = date(2025, 3, 3)
CHAINS = [chain for region in REGIONS for chain in read_procedures(region).values()]
STEPS = [(chain, step) for chain in CHAINS for step in chain.steps.values()]
of_chain = pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: f"{chain.region}-{chain.matter}")
of_step = pytest.mark.parametrize(
    ("chain", "step"), STEPS, ids=[f"{chain.region}-{chain.matter}-{step.name}" for chain, step in STEPS]
)


def right(step, on, **said):
    """The attempt that is right but for its day and what is said."""
    plain = {"person": f"{step.actor} {step.name}", "actor": step.actor, "evidence": step.evidence}
    return Attempt(step.name, on, **{**plain, **said})


def after(chain, taken, step):
    """The first day on which a step may follow."""
    days = [FIRST_DAY]
    for one in taken:
        if one.name in step.after:
            public = chain.steps[one.name].public_days
            days.append(due(one.on, public).day + timedelta(days=1) if public else one.on)
    return max(days)


def up_to(chain, step, leaving_out=()):
    """Everything that must stand before a step, each step on its first day."""
    needed, waiting = set(), list(step.after)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += chain.steps[name].after
    taken = []
    for one in chain.steps.values():
        if one.name in needed and one.name not in leaving_out:
            taken.append(Taken(one.name, after(chain, taken, one), f"{one.actor} {one.name}"))
    return taken


def refused(answer, reason, clause):
    assert isinstance(answer, Refusal), answer
    assert (answer.reason, answer.clause) == (reason, clause)
    return answer


@of_chain
def test_a_chain_in_its_order_is_accepted_to_its_end(chain):
    taken = []
    for step in chain.steps.values():
        on = after(chain, taken, step)
        assert step.name in {one.step.name for one in chain.open(taken, YEAR)}
        answer = chain.take(right(step, on), taken, YEAR, TODAY)
        assert isinstance(answer, Went), answer
        assert (answer.step, answer.late) == (step, False)
        taken.append(Taken(step.name, on, f"{step.actor} {step.name}"))
    assert chain.open(taken, YEAR) == []


@of_step
def test_a_step_without_one_before_it_is_refused_with_both_clauses(chain, step):
    for name in step.after:
        answer = chain.take(right(step, date(2025, 12, 1)), up_to(chain, step, leaving_out={name}), YEAR, TODAY)
        told = refused(answer, Reason.STEP_ORDER, step.citation)
        missing = chain.steps[name]
        assert missing.title in told.rule
        assert missing.citation in told.rule
        assert ACTORS[missing.actor] in told.remedy


@of_step
def test_a_step_by_the_wrong_hands_is_refused(chain, step):
    taken = up_to(chain, step)
    on = after(chain, taken, step)
    for actor in (*ACTORS, "", "somebody"):
        if actor != step.actor:
            refused(chain.take(right(step, on, actor=actor), taken, YEAR, TODAY), Reason.STEP_ACTOR, step.citation)
    for name in step.apart_from:
        person = next(one.person for one in taken if one.name == name)
        refused(chain.take(right(step, on, person=person), taken, YEAR, TODAY), Reason.SAME_PERSON, step.citation)


@of_step
def test_a_step_without_its_evidence_is_refused(chain, step):
    taken = up_to(chain, step)
    on = after(chain, taken, step)
    for name in step.evidence:
        given_ = [one for one in step.evidence if one != name]
        told = refused(chain.take(right(step, on, evidence=given_), taken, YEAR, TODAY), Reason.EVIDENCE, step.citation)
        assert EVIDENCE[name] in told.value
    refused(
        chain.take(right(step, on, evidence=[*step.evidence, "rumour"]), taken, YEAR, TODAY),
        Reason.EVIDENCE,
        step.citation,
    )


@of_step
def test_a_step_is_taken_once_and_on_a_day_that_can_be(chain, step):
    taken = up_to(chain, step)
    on = after(chain, taken, step)
    twice = [*taken, Taken(step.name, on, "x")]
    refused(chain.take(right(step, on), twice, YEAR, TODAY), Reason.STEP_TAKEN, step.citation)
    tomorrow = TODAY + timedelta(days=1)
    refused(chain.take(right(step, tomorrow), taken, YEAR, TODAY), Reason.DATE, step.citation)
    if step.after:
        last = max(one.on for one in taken if one.name in step.after)
        before = chain.take(right(step, last - timedelta(days=1)), taken, YEAR, TODAY)
        refused(before, Reason.DATE, step.citation)


@pytest.mark.parametrize(("chain", "step"), [(chain, step) for chain, step in STEPS if step.public_days])
def test_nothing_follows_while_it_is_public(chain, step):
    """Five working days from the day after: on the last of them it is still public."""
    begun = date(2025, 9, 25)
    taken = [one for one in up_to(chain, step) if one.on < begun] + [Taken(step.name, begun, "x")]
    followers = [one for one in chain.steps.values() if step.name in one.after]
    assert followers
    for follower in followers:
        early = chain.take(right(follower, date(2025, 10, 9)), taken, YEAR, TODAY)
        told = refused(early, Reason.STEP_TOO_EARLY, step.citation)
        assert "2025-10-09" in told.rule
        assert isinstance(chain.take(right(follower, date(2025, 10, 10)), taken, YEAR, TODAY), Went)
        assert Next(follower, date(2025, 10, 10), None) in chain.open(taken, YEAR)


@pytest.mark.parametrize(("chain", "step"), [(chain, step) for chain, step in STEPS if step.within])
def test_a_step_after_its_time_is_taken_and_said_to_be_late(chain, step):
    taken = up_to(chain, step)
    last = max(one.on for one in taken if one.name in step.after)
    end = due(last, step.within).day
    assert passed(last, end) == step.within
    in_time = chain.take(right(step, end), taken, YEAR, TODAY)
    late = chain.take(right(step, end + timedelta(days=1)), taken, YEAR, TODAY)
    assert (in_time, late) == (
        Went(step, end, late=False, provisional=False),
        Went(step, end, late=True, provisional=False),
    )


@of_chain
def test_a_plan_of_a_year_before_the_document_has_no_procedure(chain):
    first = next(iter(chain.steps.values()))
    answer = chain.take(right(first, FIRST_DAY), [], chain.valid_from - 1, TODAY)
    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.PERIOD
    assert isinstance(chain.take(right(first, FIRST_DAY), [], chain.valid_from, TODAY), Went)


def test_keqiao_s_tax_window_closes_with_the_year():
    chain = read_procedures("keqiao")["subsidy"]
    paid = chain.steps["paid"]
    taken = up_to(chain, paid)
    assert isinstance(chain.take(right(paid, date(2025, 12, 31)), taken, YEAR, TODAY), Went)
    told = refused(chain.take(right(paid, date(2026, 1, 1)), taken, YEAR, TODAY), Reason.STEP_TOO_LATE, paid.citation)
    assert "征求意见稿" in told.clause
    assert [one.until for one in chain.open(taken, YEAR) if one.step is paid] == [date(2025, 12, 31)]


def test_what_the_regions_ask_differs():
    """Each line of the issue's chains that another region does not have."""
    steps = {region: set(read_procedures(region)["subsidy"].steps) for region in REGIONS}
    assert not {"filed_with_county", "filed_with_township", "township_agreed", "plan_public"} & steps["neimenggu"]
    assert {"party_studied", "first_checked", "entered", "approved"} <= steps["neimenggu"]
    assert {"filed_with_township", "filed_with_county", "filed_with_rural_affairs"} <= steps["ningxia"]
    assert {"plan_public", "township_agreed", "filed_with_county", "voucher_returned", "receipt_issued"} <= steps[
        "panzhihua"
    ]
    assert {"list_checked", "list_public", "township_agreed", "collection_reported"} <= steps["keqiao"]
    matters = {region: set(read_procedures(region)) for region in REGIONS}
    assert matters == {
        "neimenggu": {"subsidy", "aid"},
        "ningxia": {"subsidy", "suspension", "resumption"},
        "panzhihua": {"subsidy", "suspension", "resumption"},
        "keqiao": {"subsidy"},
    }


# The files.


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "rules")
    return tmp_path / "rules"


def changed(folder, region, old, new, count=1):
    path = folder / "procedures" / f"{region}.toml"
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, count), "utf-8")
    return read_procedures(region, folder)["subsidy"]


def test_a_changed_file_changes_the_outcome(folder):
    longer = changed(folder, "keqiao", "public_days = 5", "public_days = 6")
    step, begun = longer.steps["township_agreed"], date(2025, 9, 25)
    taken = [Taken("list_public", begun, "x")]
    refused(
        longer.take(right(step, date(2025, 10, 10)), taken, YEAR, TODAY),
        Reason.STEP_TOO_EARLY,
        longer.steps["list_public"].citation,
    )
    earlier = changed(folder, "keqiao", 'until = "12-31"', 'until = "11-30"')
    paid = earlier.steps["paid"]
    refused(
        earlier.take(right(paid, date(2025, 12, 1)), up_to(earlier, paid), YEAR, TODAY),
        Reason.STEP_TOO_LATE,
        paid.citation,
    )
    free = changed(folder, "ningxia", 'after = ["deliberated"]', "after = []")
    assert isinstance(free.take(right(free.steps["filed_with_township"], FIRST_DAY), [], YEAR, TODAY), Went)
    other = changed(folder, "panzhihua", 'actor = "township"', 'actor = "county_hr"')
    step = other.steps["township_agreed"]
    answer = other.take(right(step, date(2025, 12, 1), actor="township"), up_to(other, step), YEAR, TODAY)
    refused(answer, Reason.STEP_ACTOR, step.citation)
    slower = changed(folder, "neimenggu", "within = 3", "within = 1")
    step = slower.steps["entered"]
    taken = up_to(slower, step)
    late = slower.take(right(step, due(taken[-1].on, 2).day), taken, YEAR, TODAY)
    assert isinstance(late, Went)
    assert late.late


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('matter = "subsidy"', 'matter = "gift"', "'gift' is none of"),
        ('object = "plan"', 'object = "house"', "'house' is none of"),
        ('actor = "township"', 'actor = "mayor"', "'mayor' is none of"),
        ('evidence = ["minutes"', 'evidence = ["rumour"', "'rumour' is none of"),
        ('after = ["deliberated"]', 'after = ["paid"]', "paid does not stand before it"),
        ('name = "assembly_agreed"', 'name = "deliberated"', "twice"),
        ("public_days = 5", "public_days = -5", "a period counts"),
        ("public_days = 5", "within = 5\npublic_days = 5\nafter = []", "Cannot overwrite|a period counts"),
        ('clause = "三、工作内容（五）工作流程"', 'clause = " "', "must be said"),
        ("public_days = 5", 'until = "2-30"', "no day of a year"),
        ("public_days = 5", 'colour = "red"', "colour"),
        ('document = "攀枝花市', 'document = "未见文件"\n#', "names its region and the document"),
        ('region = "panzhihua"', 'region = "keqiao"', "names its region"),
        ('title = "四议两公开"', 'confidence = "sure"\ntitle = "四议两公开"', "'sure' is none of"),
    ],
)  # fmt: skip
def test_a_fault_in_a_file_is_named(folder, old, new, fault):
    with pytest.raises(ValueError, match=fault):
        changed(folder, "panzhihua", old, new)


def test_a_region_without_a_file():
    with pytest.raises(LookupError, match="hainan"):
        read_procedures("hainan")


# Any order of attempts: what was accepted is an order that the chain allows, told by a model of its own.


@given(st.data())
def test_whatever_is_tried_only_the_chain_s_orders_come_about(data):
    chain: Procedure = data.draw(st.sampled_from(CHAINS))
    names = data.draw(st.lists(st.sampled_from(sorted(chain.steps)), max_size=40))
    taken: list[Taken] = []
    on = FIRST_DAY
    for name in names:
        on += timedelta(days=data.draw(st.integers(0, 12)))
        step = chain.steps[name]
        answer = chain.take(right(step, on), taken, YEAR, date(2030, 1, 1))
        stand = {one.name: one.on for one in taken}
        public = [
            passed(stand[one], on - timedelta(days=1)) < chain.steps[one].public_days
            for one in step.after
            if one in stand and chain.steps[one].public_days
        ]
        allowed = (
            name not in stand
            and all(one in stand for one in step.after)
            and not any(public)
            and not (step.until and on.year > YEAR)
        )
        assert isinstance(answer, Went) == allowed, (answer, name, taken)
        if isinstance(answer, Went):
            taken.append(Taken(name, on, f"{step.actor} {name}"))
