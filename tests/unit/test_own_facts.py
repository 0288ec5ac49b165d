"""The trader's own figures: what they fill in, what they move, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perpbook.errors import InputError
from perpbook.treasury.facts import Stuck, Times
from perpbook.treasury.law import Z99, seconds_at
from perpbook.treasury.own_facts import treasury_facts
from perpbook.treasury.own_transfers import PRIOR, STUCK_PRIOR, stuck_after, times_after

HEAD = 'schema = "own-facts/1"\nas_of = 2026-11-20\n'
FACTS = treasury_facts()


def written(tmp_path: Path, body: str, log: str = "") -> Path:
    path = tmp_path / "own.toml"
    path.write_text(HEAD + body, encoding="utf-8")
    if log:
        (tmp_path / "own.csv").write_text(log, encoding="utf-8")
    return path


def test_own_figures_fill_what_is_unknown_and_are_marked(tmp_path: Path) -> None:
    body = "[routes.across]\nfee = { dollars = 0.3, bps = 4 }\n[routes.lighter-out]\nseconds = { worst = 90000 }\n"
    before, after = FACTS.routes, treasury_facts(written(tmp_path, body)).routes
    assert before["across"].unknown == ("fee.dollars", "fee.bps") and after["across"].unknown == ()
    assert after["across"].witness.own == ("fee.dollars", "fee.bps")
    assert before["lighter-out"].unknown == ("seconds.worst",) and before["lighter-out"].seconds is None
    assert after["lighter-out"].seconds == Times(least=3_600.0, typical=14_400.0, worst=90_000.0)
    assert after["lighter-out"].stuck and not before["lighter-out"].stuck
    untouched = {name: one for name, one in after.items() if name not in ("across", "lighter-out")}
    assert all(one == before[name] for name, one in untouched.items())


def test_own_shares_of_common_limits_and_gas_replace_those_of_the_facts(tmp_path: Path) -> None:
    body = "[pools.dydx-withdrawals]\nours = 0.1\ndeposits = 180_000_000\n[layers.arbitrum.gas]\nunits = { burn = 190000 }\n"
    facts = treasury_facts(written(tmp_path, body))
    hour, day = facts.routes["dydx-out"].cap.shared
    assert [hour.own, day.own] == pytest.approx([180_000.0, 1_800_000.0])
    assert FACTS.routes["dydx-out"].cap.shared[0].own == 1_000_000.0
    assert facts.routes["dydx-out"].cap.most == pytest.approx(180_000.0), "the smaller of an hour's and a day's part"
    gas = facts.layers["arbitrum"].gas
    assert gas is not None and gas.units["burn"] == 190_000.0 and gas.units["transfer"] == 21_000.0
    assert facts.layers["arbitrum"].witness.own == ("gas.units.burn",)
    ink = '[layers.ink.gas]\ntoken = "ETH"\ngwei = { p50 = 0.01, max = 1 }\nunits = { burn = 9 }\nexit = ["burn"]\n'
    found = treasury_facts(written(tmp_path, ink)).layers["ink"].gas
    assert found is not None and (found.exit, found.window, found.free) == (("burn",), "your own", False)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("[routes.acros]\nfee = { bps = 4 }\n", 'did you mean "across"'),
        ("[layers.arbitrun.gas]\nunits = { burn = 1 }\n", 'did you mean "arbitrum"'),
        ("[layers.arbitrum.gas]\nunits = { brun = 1 }\n", 'did you mean "burn"'),
        ('[layers.arbitrum.gas]\nexit = ["brun"]\n', 'did you mean "burn"'),
        ("[layers.ink.gas]\nunits = { burn = 1 }\n", "is missing"),
        ("[pools.dydx]\nours = 0.1\n", "dydx-withdrawals"),
        ("[pools.dydx-withdrawals]\nours = 10\n", "0.15, not 15"),
        ("[routes.across]\nfees = { bps = 4 }\n", 'did you mean "fee"'),
        ("[routes.across]\nfee = { bps = -4 }\n", "0 or more"),
        ("[routes.across]\namount = { least = 10, most = 5 }\n", "below least"),
        ("[routes.lighter-out]\nseconds = { worst = 90 }\n", "do not rise"),
        ("[withdrawal]\nseconds = { worst = 90 }\n", "least, typical and worst"),
        ('[[transfers]]\nroute = "acros"\nsent = 2026-11-01T00:00:00Z\narrived = "stuck"\n', 'did you mean "across"'),
        (
            '[[transfers]]\nroute = "across"\nsent = 2026-11-01T00:00:00Z\narrived = "late"\n',
            "neither a time nor stuck",
        ),
        ('log = "nowhere.csv"\n', "no such file"),
    ],
)
def test_what_is_wrong_is_refused_with_the_next_step(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        treasury_facts(written(tmp_path, body))
    assert told in " ".join(str(one) for one in refused.value.problems)


def test_some_points_of_a_time_may_be_ones_own(tmp_path: Path) -> None:
    body = (
        "[routes.across]\nseconds = { p90 = 600 }\n[withdrawal]\nseconds = { least = 10, typical = 60, worst = 600 }\n"
    )
    facts = treasury_facts(written(tmp_path, body))
    assert facts.routes["across"].seconds == Times(least=2.0, typical=10.0, p90=600.0, worst=7_200.0)
    assert facts.withdrawal.seconds == Times(least=10.0, typical=60.0, worst=600.0)
    assert "seconds" in facts.routes["across"].witness.own and "seconds" in facts.withdrawal.witness.own


def test_a_limit_of_ones_own_and_a_part_of_a_common_one_both_hold(tmp_path: Path) -> None:
    body = (
        "[routes.dydx-out]\namount = { most = 50000 }\n[pools.dydx-withdrawals]\nours = 0.1\ndeposits = 180_000_000\n"
    )
    assert treasury_facts(written(tmp_path, body)).routes["dydx-out"].cap.most == 50_000.0


def test_a_log_with_bad_rows_names_each_of_them(tmp_path: Path) -> None:
    log = (
        "route,sent,arrived\nacross,2026-11-01T10:00:00Z,2026-11-01T09:00:00Z\n"
        "accross,2026-11-01T10:00:00Z,stuck\nacross,yesterday,stuck\nacross,2026-11-01T10:00:00Z,stuck\n"
    )
    with pytest.raises(InputError) as refused:
        treasury_facts(written(tmp_path, 'log = "own.csv"\n', log))
    assert [one.line for one in refused.value.problems] == [2, 3, 4]
    with pytest.raises(InputError, match="cannot be used"):
        treasury_facts(written(tmp_path, 'log = "own.csv"\n', "route,sent\n"))


def test_own_transfers_move_their_route_and_no_other(tmp_path: Path) -> None:
    rows = "".join(f"across,2026-11-0{day}T10:00:00Z,2026-11-0{day}T10:0{day}:00Z\n" for day in range(1, 8))
    log = f"route,sent,arrived\n{rows}across,2026-11-09T10:00:00Z,stuck\n"
    facts = treasury_facts(written(tmp_path, 'log = "own.csv"\n', log))
    pair, old, new = ("arbitrum", "base"), FACTS.routes["across"], facts.routes["across"]
    assert old.seconds and new.seconds and old.seconds.typical < new.seconds.typical < 240.0
    expected = (STUCK_PRIOR * old.stuck[pair].chance + 1.0) / (STUCK_PRIOR + 8.0)
    assert new.stuck[pair].chance == pytest.approx(expected) and new.stuck[pair].own == 8
    assert facts.routes["debridge"] == FACTS.routes["debridge"]


def test_the_chance_of_being_stuck_is_the_mean_of_its_beta_law_drawn_slowly() -> None:
    chance = np.random.default_rng(3)
    stuck = Stuck(chance=0.03, seconds=Times(least=1.0, typical=2.0, worst=3.0))
    prior = chance.beta(STUCK_PRIOR * 0.03, STUCK_PRIOR * 0.97, 400_000)
    # Rejection: keep the chances under which 2 of 30 were stuck.
    kept = prior[chance.binomial(30, prior) == 2]
    assert stuck_after(stuck, 2, 30).chance == pytest.approx(kept.mean(), rel=0.01)


def test_times_after_transfers_are_those_of_the_posterior_drawn_slowly() -> None:
    times, taken = Times(least=10.0, typical=60.0, worst=600.0), [40.0, 45.0, 50.0, 80.0, 35.0, 42.0]
    middle, spread = np.log(50.0), (np.log(590.0) - np.log(50.0)) / Z99
    chance = np.random.default_rng(4)
    # Importance sampling from the normal-inverse-gamma prior, weighed by the likelihood.
    variance = PRIOR / 2.0 * spread**2 / chance.gamma(PRIOR / 2.0, size=400_000)
    mean = middle + np.sqrt(variance / PRIOR) * chance.standard_normal(variance.size)
    logs = np.log(np.array(taken) - 10.0)
    weight = variance ** (-logs.size / 2.0) * np.exp(-((logs - mean[:, None]) ** 2).sum(axis=1) / (2.0 * variance))
    found = times_after(times, taken)
    assert np.log(found.typical - 10.0) == pytest.approx(np.average(mean, weights=weight), abs=0.01)
    # The spread squared is the posterior's beta / alpha, the inverse of the mean precision.
    precision = np.average(1.0 / variance, weights=weight)
    width = (np.log(found.worst - 10.0) - np.log(found.typical - 10.0)) / Z99
    assert 1.0 / width**2 == pytest.approx(precision, rel=0.02)


def test_many_own_transfers_outweigh_the_facts_and_a_shorter_one_makes_a_new_least() -> None:
    times = Times(least=10.0, typical=60.0, p90=200.0, worst=600.0)
    truth = Times(least=10.0, typical=300.0, worst=3_000.0)
    taken = seconds_at(truth, np.random.default_rng(6).standard_normal(5_000))
    found = times_after(times, list(taken))
    assert found.typical == pytest.approx(300.0, rel=0.06) and found.p90 is not None
    assert found.typical < found.p90 < found.worst
    shorter = times_after(times, [5.0])
    assert shorter.least == pytest.approx(4.5) and shorter.typical < 60.0
    assert times_after(times, []) == times
    exact = replace(times, least=60.0, p90=None, worst=60.0)
    assert times_after(exact, [60.0, 61.0]).typical >= exact.least
