"""Which stated sums hold after any files, against a second account of it."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.stated_totals import StatedTotal, standing, taken_in

DAY = date(2025, 3, 4)
SUMS = st.builds(
    lambda day, fen, reference: StatedTotal(2, date(2025, 3, day), date(2025, 3, day), fen, reference=reference),
    st.integers(1, 2),
    st.integers(1, 3),
    st.sampled_from(("", "K1")),
)


def plain(totals):
    return sorted((one.since, one.reference, one.fen) for one in totals)


@given(st.lists(st.lists(SUMS, min_size=1, max_size=4), max_size=5))
def test_what_a_later_file_says_holds_and_what_it_repeats_is_not_kept_twice(files):
    """The second account writes every sum down by day and reference, and wipes a place before it writes there anew."""
    filed, book = [], {}
    for file_id, totals in enumerate(files, 1):
        taken = taken_in(totals, standing(filed))
        assert plain([*taken.recorded, *taken.already_there]) == plain(totals)
        before = {place: sorted(fen) for place, fen in book.items()}
        places = {(one.since, one.reference) for one in totals}
        for place in places:
            book[place] = sorted(one.fen for one in totals if (one.since, one.reference) == place)
        changed = {place for place in places if place in before and before[place] != book[place]}
        assert {(key.since, key.reference) for key in taken.corrected} == changed
        for key, fen in taken.corrected.items():
            place = key.since, key.reference
            assert fen == (sum(before[place]), sum(book[place]))
        filed += [(file_id, one) for one in taken.recorded]
        assert plain(standing(filed)) == sorted((*place, fen) for place, every in book.items() for fen in every)


def test_a_count_alone_corrects():
    one = StatedTotal(2, DAY, DAY, 100, rows=3)
    assert taken_in([one._replace(rows=4)], [one]).corrected == {one.key: (100, 100)}
    assert taken_in([one], [one]).already_there == [one]
