"""Rate limits: nothing beyond them goes, and what reduces risk always has its share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.venues.buckets import Bucket

SECOND = 1_000_000_000
steps = st.lists(st.tuples(st.integers(0, 3 * SECOND), st.floats(0.5, 20.0), st.booleans()), max_size=60)


@given(steps)
def test_no_window_lets_more_through_than_its_size_and_what_time_brought(asked: list[tuple[int, float, bool]]) -> None:
    bucket, now, went = Bucket(size=100.0, rate=10.0), 0, list[tuple[int, float]]()
    for pause, weight, reduces in asked:
        now += pause
        if bucket.wait_ns(weight, now, reduces=reduces) == 0:
            went.append((now, weight))
    for first, (since, _) in enumerate(went):
        for last in range(first, len(went)):
            passed = sum(weight for _, weight in went[first : last + 1])
            assert passed <= 100.0 + 10.0 * (went[last][0] - since) / SECOND + 1e-6


@given(steps)
def test_what_opens_risk_never_takes_the_share_of_what_reduces_it(asked: list[tuple[int, float, bool]]) -> None:
    bucket, now = Bucket(size=100.0, rate=10.0, kept=0.3), 0
    for pause, weight, _ in asked:
        now += pause
        bucket.wait_ns(weight, now, reduces=False)
        assert bucket.left >= 30.0 - 1e-9
    assert bucket.wait_ns(20.0, now, reduces=True) == 0


@given(st.floats(0.5, 60.0), st.booleans(), st.integers(1, 200))
def test_after_the_wait_it_goes(weight: float, reduces: bool, used: int) -> None:
    bucket = Bucket(size=100.0, rate=10.0)
    for _ in range(used):
        bucket.wait_ns(1.0, 0, reduces=True)
    wait = bucket.wait_ns(weight, 0, reduces=reduces)
    assert wait == 0 or bucket.wait_ns(weight, wait, reduces=reduces) == 0


@given(st.floats(0.1, 30.0), st.floats(0.0, 40.0))
def test_too_many_pauses_what_opens_risk_and_nothing_else(seconds: float, later: float) -> None:
    bucket, now = Bucket(size=100.0, rate=10.0), int(later * SECOND)
    bucket.refused(0, seconds)
    wait = bucket.wait_ns(1.0, now, reduces=False)
    assert (wait > 0) == (now < int(seconds * SECOND))
    assert bucket.wait_ns(1.0, now, reduces=True) == 0


@pytest.mark.parametrize("weight", (0.0, -1.0, 71.0, float("nan")))
def test_a_weight_that_could_never_go_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weighs more than nothing"):
        Bucket(size=100.0, rate=10.0).wait_ns(weight, 0, reduces=False)
