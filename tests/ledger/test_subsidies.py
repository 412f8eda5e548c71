"""政府补贴 of one account's year: entitled or not, what is open; and any year against a second computation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.subsidies import Entry, Situation, Tally, examine, normal_level, unsaid
from ledger.words import MoneyKind

OWN, PAID_FOR, SUBSIDY = MoneyKind.CONTRIBUTION, MoneyKind.GOVERNMENT_PAID, MoneyKind.GOVERNMENT_SUBSIDY


def situations(*entries, counts=True):
    return [(one.situation, one.fen) for one in examine(entries, government_paid_counts=counts).findings]


def subsidy(version, fen=60, level="市", document="文1"):
    return Entry(version, SUBSIDY, fen, level=level, document=document)


def test_each_situation():
    assert situations(Entry(2, OWN, 200), subsidy(3)) == []
    assert situations(Entry(2, OWN, 200)) == [(Situation.NO_SUBSIDY, 200)]
    assert situations(subsidy(3)) == [(Situation.NO_CONTRIBUTION, 60)]
    assert situations(Entry(2, OWN, 200), subsidy(3), subsidy(4, document="文2")) == [(Situation.TWICE, 120)]
    assert situations(Entry(2, OWN, 200), subsidy(3), subsidy(4, level="县")) == []


def test_back_payments_do_not_entitle_and_reversals_undo():
    assert situations(Entry(2, OWN, 200, "interrupted")) == []
    assert situations(Entry(2, OWN, 200, "lump_sum"), subsidy(3)) == [(Situation.NO_CONTRIBUTION, 60)]
    assert situations(Entry(2, OWN, 200), Entry(3, None, -200, reverses=2)) == []
    assert situations(Entry(2, OWN, 200), subsidy(3), Entry(4, None, -60, reverses=3)) == [(Situation.NO_SUBSIDY, 200)]
    assert situations(Entry(2, OWN, 200), subsidy(3), subsidy(4), Entry(5, None, -60, reverses=3)) == []


def test_paid_by_government_counts_by_rule():
    assert situations(Entry(2, PAID_FOR, 100)) == [(Situation.NO_SUBSIDY, 100)]
    assert situations(Entry(2, PAID_FOR, 100), counts=False) == []


def test_a_region_is_a_province_and_no_level_is_no_level():
    own = Entry(2, OWN, 200)
    assert situations(own, subsidy(3, level="自治区"), subsidy(4, level="省")) == [(Situation.TWICE, 120)]
    assert situations(own, subsidy(3, level=""), subsidy(4, level="", document="文2")) == []
    assert situations(own, subsidy(3, level=""), subsidy(4, level="")) == [(Situation.TWICE, 120)]
    assert situations(own, subsidy(3, level="", document=""), subsidy(4, level="", document="")) == []


@pytest.mark.parametrize(
    ("said", "level"),
    [("自治区级", "自治区"), (" 省 级 ", "省"), ("市级", "市"), ("旗县级", "县"), ("中央", "中央"), ("", ""),
     ("镇级", "镇级")],
)  # fmt: skip
def test_spellings(said, level):
    assert normal_level(said) == level


def test_what_a_row_leaves_unsaid():
    assert unsaid("市", "文") == ""
    assert "拨付文号" in unsaid("市", "")
    assert "补贴级次、拨付文号" in unsaid("", "")


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from((OWN, PAID_FOR, SUBSIDY, None)), st.integers(1, 9),
        st.sampled_from(("regular", "interrupted")), st.sampled_from(("市", "县", "市级")), st.integers(0, 5),
    ),
    max_size=7,
)  # fmt: skip


@given(st.lists(ENTRIES, max_size=5), st.booleans())
def test_any_pool_against_a_second_computation(accounts, counts):
    """The second one keeps two running sums an account and takes back from them; no list of what stands."""
    tally, entitled, sums, opened = Tally(), 0, {}, 0
    for drawn in accounts:
        entries, seen, gone = [], {}, set()
        for version, (kind, fen, typed, level, back) in enumerate(drawn, 2):
            if kind is None:
                if back not in seen or back in gone:
                    continue
                gone.add(back)
                entries.append(Entry(version, None, -fen, reverses=back))
            else:
                seen[version] = (kind, fen, typed, level)
                entries.append(Entry(version, kind, fen, typed, level, "文"))
        tally.add(examine(entries, government_paid_counts=counts))
        paid, levels = 0, {}
        for version, (kind, fen, typed, level) in seen.items():
            if version in gone:
                continue
            if kind is SUBSIDY:
                levels[level[0]] = levels.get(level[0], 0) + 1
                key = level[0], "文"
                rows, total = sums.get(key, (0, 0))
                sums[key] = rows + 1, total + fen
            elif typed == "regular" and (kind is OWN or counts):
                paid += 1
        entitled += paid > 0
        opened += (paid > 0) != bool(levels)
        opened += sum(count > 1 for count in levels.values())
    assert tally.entitled == entitled
    assert sum(tally.open.values()) == opened
    assert {(level, document): (rows, fen) for level, document, rows, fen in tally.by_document()} == sums
