"""Room under the cap that rosters take before their money comes: taken once, filled by their money, given back.

Beside the account runs a second, naive book of the same year: what was booked, and what each roster still holds.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.account import fold
from ledger.account_events import AidEvent, DeclarationReleased, SubsidyDeclared
from ledger.refusals import Reason, Refusal
from ledger.store.mapper import decode, encode
from tests.ledger.lives import Life, done, entered, reason, rules_of

YEAR = 2025
ON = date(YEAR, 6, 16)
CAP = 3000_00
PAYERS = ("N2150781MF0000005R", "N2330603MF7654327J", "91350100M000100Y43")
KINDS = ("collective_subsidy", "social_aid")
COLLECTIVE_ALONE = (entered("cap.basis", YEAR, "collective"),)


def a_life(**rules: object) -> Life:
    return Life(rules_of(caps={YEAR: "3000.00"}, **rules))  # type: ignore[arg-type]


def room(life: Life) -> tuple[int, ...]:
    return tuple(life.state.room_taken(YEAR)[1:])


def test_what_one_roster_declares_leaves_less_for_the_next():
    life = a_life()
    done(life.declare("collective_subsidy", "2000.00", YEAR, "甲", PAYERS[0]))
    over = life.declare("social_aid", "1000.01", YEAR, "乙", PAYERS[2])
    assert isinstance(over, Refusal)
    assert (over.reason, "超出0.01元" in over.rule) == (Reason.OVER_CAP, True)
    done(life.declare("social_aid", "1000.00", YEAR, "乙", PAYERS[2]))
    assert reason(life.pay_in("collective_subsidy", "0.01", ON)) is Reason.OVER_CAP
    done(life.release("甲"))
    done(life.pay_in("collective_subsidy", "2000.00", ON))
    assert room(life) == (2000_00, 0, 0, 1000_00)


def test_where_the_collective_part_alone_counts_aid_takes_no_room():
    life = a_life(values=COLLECTIVE_ALONE)
    done(life.declare("social_aid", "9000.00", YEAR, "资助", PAYERS[2]))
    done(life.declare("collective_subsidy", "3000.00", YEAR, "补助", PAYERS[0]))
    assert reason(life.declare("collective_subsidy", "0.01", YEAR, "再补", PAYERS[1])) is Reason.OVER_CAP


def test_money_of_the_declaring_payer_takes_the_place_of_its_room():
    life = a_life()
    done(life.declare("collective_subsidy", "3000.00", YEAR, "甲", PAYERS[0]))
    (paid,) = done(life.pay_in("collective_subsidy", "1200.00", ON, payer=PAYERS[0]))
    assert isinstance(paid, AidEvent)
    assert (paid.roster, paid.from_declared) == ("甲", 1200_00)
    assert room(life) == (1200_00, 0, 1800_00, 0)
    assert reason(life.pay_in("collective_subsidy", "1800.01", ON, payer=PAYERS[0])) is Reason.OVER_CAP
    done(life.pay_in("collective_subsidy", "1800.00", ON, payer=PAYERS[0]))
    assert room(life) == (3000_00, 0, 0, 0)
    assert life.state.declarations == ()


@pytest.mark.parametrize(
    ("kind", "year", "payer"),
    [("social_aid", YEAR, PAYERS[0]), ("collective_subsidy", YEAR, PAYERS[1]), ("collective_subsidy", YEAR, ""),
     ("collective_subsidy", YEAR + 1, PAYERS[0])],
)  # fmt: skip
def test_money_of_another_kind_payer_or_year_is_no_answer_to_it(kind, year, payer):
    life = Life(rules_of(caps={YEAR: "3000.00", YEAR + 1: "3000.00"}))
    done(life.declare("collective_subsidy", "300.00", YEAR, "甲", PAYERS[0]))
    (paid,) = done(life.pay_in(kind, "300.00", ON, year, payer))
    assert isinstance(paid, AidEvent)
    assert (paid.roster, paid.from_declared) == ("", 0)
    assert life.state.room_taken(YEAR).declared_collective == 300_00


def test_of_two_declarations_of_a_payer_the_one_of_the_amount_is_answered():
    life = a_life()
    done(life.declare("collective_subsidy", "300.00", YEAR, "甲", PAYERS[0]))
    done(life.declare("collective_subsidy", "500.00", YEAR, "乙", PAYERS[0]))
    done(life.pay_in("collective_subsidy", "500.00", ON, payer=PAYERS[0]))
    assert [one.roster for one in life.state.declarations] == ["甲"]


def test_room_is_given_back_once_and_also_after_the_account_has_ended():
    life = a_life()
    done(life.declare("collective_subsidy", "300.00", YEAR, "甲", PAYERS[0]))
    done(life.leave(date(YEAR, 8, 20)))
    (released,) = done(life.release("甲"))
    assert isinstance(released, DeclarationReleased)
    assert (released.fen, released.year, released.kind) == (300_00, YEAR, "collective_subsidy")
    assert life.release("甲") == ()
    assert room(life) == (0, 0, 0, 0)


def test_a_reversal_frees_the_room_of_the_money_and_not_that_of_the_roster():
    life = a_life()
    done(life.declare("collective_subsidy", "3000.00", YEAR, "甲", PAYERS[0]))
    done(life.pay_in("collective_subsidy", "1000.00", ON, payer=PAYERS[0]))
    done(life.reverse(life.state.version))
    assert room(life) == (0, 0, 2000_00, 0)


def test_late_money_answers_its_declaration_too():
    life = Life(rules_of(rates={YEAR: "0.02"}, caps={YEAR: "3000.00"}))
    done(life.pay_in("contribution", "100.00", ON))
    done(life.declare("collective_subsidy", "300.00", YEAR, "甲", PAYERS[0]))
    done(life.credit(YEAR))
    done(life.pay_in("collective_subsidy", "300.00", ON, payer=PAYERS[0]))
    assert room(life) == (300_00, 0, 0, 0)


STEPS = st.one_of(
    st.tuples(
        st.just("declare"), st.sampled_from(KINDS), st.integers(0, 1600_00), st.sampled_from("甲乙丙丁"),
        st.sampled_from(PAYERS),
    ),
    st.tuples(st.just("pay"), st.sampled_from(KINDS), st.integers(1, 1600_00), st.sampled_from((*PAYERS, ""))),
    st.tuples(st.just("answer"), st.sampled_from("甲乙丙丁"), st.integers(-2, 2)),
    st.tuples(st.just("release"), st.sampled_from("甲乙丙丁")),
    st.tuples(st.just("reverse"), st.integers(2, 12)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=25), st.booleans())
def test_no_history_exceeds_the_cap_or_loses_room(steps, collective_alone):
    life = a_life(values=COLLECTIVE_ALONE if collective_alone else ())
    booked: Counter[str] = Counter()
    held: dict[str, list[object]] = {}  # roster: kind, payer, fen
    counted = KINDS[:1] if collective_alone else KINDS

    def taken() -> int:
        return sum(booked[kind] for kind in counted) + sum(fen for kind, _, fen in held.values() if kind in counted)

    for asked_for in steps:
        step = asked_for
        if step[0] == "answer" and step[1] in held:
            kind, payer, left = held[step[1]]
            step = ("pay", kind, max(1, left + step[2]), payer)
        match step:
            case ("declare", kind, asked, roster, payer):
                fits = kind not in counted or taken() + asked <= CAP
                answer = life.declare(kind, f"{asked / 100:.2f}", YEAR, roster, payer)
                assert isinstance(answer, Refusal) == (roster in held or asked <= 0 or not fits)
                if not isinstance(answer, Refusal):
                    held[roster] = [kind, payer, asked]
            case ("pay", kind, paid, payer):
                mine = [roster for roster, one in held.items() if payer and one[:2] == [kind, payer]]
                mine.sort(key=lambda roster: held[roster][2] != paid)
                from_held = min(paid, held[mine[0]][2]) if mine else 0
                fits = kind not in counted or taken() + paid - from_held <= CAP
                answer = life.pay_in(kind, f"{paid / 100:.2f}", ON, payer=payer)
                assert isinstance(answer, Refusal) == (not fits)
                if fits:
                    booked[kind] += paid
                    if mine:
                        held[mine[0]][2] -= from_held
                        held = {roster: one for roster, one in held.items() if one[2]}
            case ("release", roster):
                assert bool(life.release(roster)) == (held.pop(roster, None) is not None)
            case ("reverse", version):
                answer = life.reverse(version)
                if not isinstance(answer, Refusal):
                    booked.update({kind: getattr(answer[0].effect, kind) for kind in KINDS})
        now = life.state.room_taken(YEAR)
        assert (now.collective, now.social) == (booked[KINDS[0]], booked[KINDS[1]])
        assert sum(now[3:]) == sum(fen for _, _, fen in held.values())
        assert taken() <= CAP
    assert fold([decode(event.topic, encode(event)) for event in life.events]) == life.state
    assert sum(isinstance(event, SubsidyDeclared) for event in life.events) >= len(held)
