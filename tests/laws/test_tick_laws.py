"""The laws of the tick on a few short seeded runs, in plain Python; `tests/parity` holds many compiled ones to them."""

from __future__ import annotations

import numpy as np
import pytest

from perpbook.errors import BookError
from tests.runs import laws
from tests.runs.instants import NotAlike, compare
from tests.runs.seeded import seeded_journey

LONGEST = 75
FEW, MANY = range(12), [pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 24)]


@pytest.mark.parametrize("seed", [*FEW, *MANY])
def test_a_run_keeps_the_laws_of_the_tick(seed: int) -> None:
    """Screens and stops change nothing; money is conserved; events fold into the book; fills are fair; the dead are flat."""
    try:
        laws.judge(seeded_journey(seed, LONGEST))
    except BookError as error:
        assert "liquidatable at the first bar" in str(error)


@pytest.mark.parametrize("seed", range(24, 54))
def test_check_sees_what_the_run_sees(seed: int) -> None:
    """At any bar, `check` on the folded book gives the run's own figures, findings and scales."""
    journey = seeded_journey(seed, LONGEST)
    bar = int(np.random.default_rng(seed).integers(0, journey.bars.count))
    try:
        assert compare(laws.travel(journey, until=bar + 1), bar) > 0
    except NotAlike:
        pytest.skip("a coin stands idle at two prices")
    except BookError as error:
        assert "liquidatable at the first bar" in str(error)


def test_a_broken_law_is_noticed() -> None:
    """The judges are awake: a run with one figure bent fails each of them."""
    run = laws.travel(seeded_journey(3, LONGEST))
    other = laws.travel(seeded_journey(3, LONGEST))
    other.outcome.curve[0, -1] = np.nextafter(other.outcome.curve[0, -1], np.inf)
    with pytest.raises(laws.BrokenLaw, match="curve differs"):
        laws.identical(run, other, "bent")
    run.ready.body.holding.rows.quantity[:] *= 1.0 + 1e-6
    with pytest.raises(laws.BrokenLaw, match="not the arrays"):
        laws.folded_book_is_the_arrays_book(run)
    fills = np.flatnonzero((other.outcome.what[:, 1] == 1) & (other.outcome.what[:, 4] != 101))
    other.outcome.figures[fills[0], 1] *= 1.5 if other.outcome.figures[fills[0], 0] < 0 else 0.5
    with pytest.raises(laws.BrokenLaw, match="better than the open"):
        laws.fills_are_fair(other)
