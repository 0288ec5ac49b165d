"""A treasurer as a run's options ask for one, and the storms whose outages hold its transfers."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.treasurer import Policy
from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS, to_iso
from perpbook.treasury.barrier import ALARM

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.treasurer import Treasurer
    from perpbook.kernels.types import Integers
    from perpbook.model.bars import Bars, SeriesKey
    from perpbook.scenario.overlay import Absence, Overlay
    from perpbook.scenario.storm import Storm
    from perpbook.treasury.courier import Score, Sky
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.past_gas import GasPast


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryGiven:
    """What is asked for: whether a treasurer acts, how, and storms as `NAME@TIME`. known : facts of ways, None the package's."""

    acts: bool = False
    policy: Policy = field(default_factory=Policy)
    storms: tuple[str, ...] = ()
    known: Facts | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """As plain data."""
        one = self.policy
        return {
            "acts": self.acts, "alarm": one.alarm, "calm": one.calm, "reserves": dict(one.reserves), "storms": list(self.storms),
            **({"own_figures": self.known.as_of["own"]} if self.known is not None and "own" in self.known.as_of else {}),
        }  # fmt: skip


def treasury_given(one: Mapping[str, Any]) -> TreasuryGiven | None:
    """The treasurer and the storms that options ask for, by name; None where there are none.

    Raises
    ------
    InputError : an option stands alone, or its value is not what it takes.
    """
    reserves, alarm, calm = _amounts(one["reserves"]), one["alarm"], one["calm"]
    if not one["treasury"]:
        alone = [("reserve", reserves), ("alarm", alarm is not None), ("calm", calm is not None)]
        for name, there in alone:
            if there:
                raise InputError(f"--{name} is of a treasurer: add --treasury, or leave it out")
        return TreasuryGiven(storms=tuple(one["storms"])) if one["storms"] else None
    return TreasuryGiven(
        acts=True, policy=policy_of(alarm, calm, reserves), storms=tuple(one["storms"] or ())
    )  # fmt: skip


def _amounts(value: Any) -> dict[str, str]:
    """Reserves as texts by layer, from `LAYER=DOLLARS` or a mapping."""
    from perpbook.runs.moments import pairs

    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else pairs(value, "--reserve")


def policy_of(alarm: float | None, calm: float | None, reserves: Mapping[str, str]) -> Policy:
    """Ratios and reserves, checked; errors as `treasury_given`."""
    rings = ALARM if alarm is None else alarm
    brought = rings / 2.0 if calm is None else calm
    if not 0.0 < rings < 1.0:
        raise InputError(f"--alarm {rings:g}: a margin ratio between 0 and 1, where 1 is liquidation")
    if not 0.0 < brought < rings:
        raise InputError(f"--calm {brought:g}: a margin ratio above 0 and below the alarm's {rings:g}")
    amounts = {}
    for name, text in reserves.items():
        try:
            amounts[name] = float(text)
        except ValueError:
            amounts[name] = -1.0
        if not 0.0 < amounts[name] < math.inf:
            raise InputError(f"--reserve {name}={text}: give dollars above 0, like {name}=50000")
    return Policy(alarm=rings, calm=brought, reserves=amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weathered:
    """A journey under storms: with series of coins that leave their peg, the sky above it, and what to say."""

    journey: Journey
    sky: Sky
    past: GasPast
    notes: tuple[str, ...]


def weather(given: TreasuryGiven, journey: Journey, past: GasPast) -> Weathered:
    """Lay storms over a run of history: what they close holds money, what leaves its peg counts for less as collateral, gas they
    make dear costs more; but at its own time a storm's gas is in the base fees of the `past` already.

    Raises
    ------
    InputError : a storm is unknown, has no time, or is not within the run.
    """
    from perpbook.engine.coins import coins_beside
    from perpbook.scenario.compose import plus
    from perpbook.scenario.draw import draw
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import CALM
    from perpbook.treasury.courier import Sky
    from perpbook.treasury.facts_load import packaged_facts

    bars, facts = journey.bars, packaged_facts()
    placed = [_placed(text, bars) for text in given.storms]
    horizon = bars.count * bars.bar_ns // SECOND_NS
    away, paid = _away(placed, bars, facts, past)
    whole = reduce(plus, [_at(storm, begins) for storm, begins in placed], CALM)
    notes = [note for storm, begins in placed for note in _words(storm, begins, bars)] + paid
    if whole.collateral:
        overlay = draw(whole, Ground(series=(), assets=()), bar_ns=bars.bar_ns, steps=bars.count)
        keys = coins_beside(journey.book, journey.terms, bars.series, [one.asset for one in whole.collateral])
        volume = journey.daily_volume
        if volume is not None:
            volume = np.concatenate([volume, np.full((len(keys), volume.shape[1]), np.nan)])
        journey = replace(journey, bars=_with_coins(bars, overlay, keys), daily_volume=volume)
        notes += _peg_words(overlay, keys)
    sky = Sky(facts=facts, absences=away, fallen=_fallen(whole), horizon=horizon)
    return Weathered(journey=journey, sky=sky, past=past, notes=(*notes, *_strangers(away, facts)))


def treasurer_of(
    given: TreasuryGiven, journey: Journey, sky: Sky, asked: Integers | None = None, past: GasPast | None = None
) -> Treasurer:
    """A treasurer that has done nothing yet, asked at every bar unless told when; its reserves are the playbook's unless given,
    and whether it tops up accounts is the playbook's to forbid. past : what gas cost then; without, it costs what it does today.

    Raises
    ------
    InputError : a reserve on a layer that the book does not have or no facts know.
    """
    from perpbook.engine.drive import asked_every
    from perpbook.engine.treasurer import Treasurer
    from perpbook.scenario.table_reader import nearest
    from perpbook.treasury.courier import Courier
    from perpbook.treasury.gas_toll import Toll
    from perpbook.treasury.past_gas import GasPast

    book, accounts = journey.book, {one.id: one for one in journey.book.accounts}
    names = tuple(dict.fromkeys(one.layer for one in book.layers))
    policy, margin = given.policy, journey.playbook.margin if journey.playbook is not None else None
    if margin is not None and margin.top_up == "never":
        policy = replace(policy, tops_up=False)
    if not policy.reserves and journey.playbook is not None and journey.playbook.layers is not None:
        policy = replace(policy, reserves=journey.playbook.layers.reserves or {})
    for name in policy.reserves:
        if name not in names:
            raise InputError(f'a reserve is wanted on "{name}", where the book has no money: {nearest(name, names)}')
        if sky.facts.layer_id(name) is None:
            raise InputError(f'a reserve is wanted on "{name}", to which no route is known')
    toll = Toll(facts=sky.facts, prices=prices_in(journey), past=past or GasPast())
    courier = Courier(sky=sky, accounts=accounts, terms=journey.terms, score=score_by(journey.seed), toll=toll)
    every = asked_every(journey.bars.count, 1) if asked is None else asked
    return Treasurer(courier=courier, policy=policy, asked=every)


def prices_in(journey: Journey) -> dict[str, float]:
    """Dollars of every asset that a run has a contract on, at its first open."""
    from perpbook.engine.coins import columns_by_asset

    found = columns_by_asset(journey.bars, journey.terms)
    return {asset: float(journey.bars.open[column, 0]) for asset, column in found.items()}


def score_by(seed: int, *path: int) -> Score:
    """Standard normal scores by a hop's name and a transfer's number (and, of many futures, a `path`'s); none depends on which
    others there are."""

    def score(name: str, number: int) -> float:
        stream = np.random.SeedSequence(seed, spawn_key=(*path, zlib.crc32(name.encode()), number))
        return float(np.random.default_rng(stream).standard_normal())

    return score


def _placed(text: str, bars: Bars) -> tuple[Storm, int]:
    """A storm, and its beginning in ns from the run's start."""
    from perpbook.runs.moments import moment_ns
    from perpbook.scenario.catalogue import find_storm

    name, at, time = text.rpartition("@")
    storm = find_storm(name if at else text)
    if not storm.outages and not storm.collateral:
        raise InputError(
            f'--storm "{storm.name}" closes nothing and takes no coin off its peg: it does nothing to history'
        )
    began = time if at else storm.began
    if not began:
        raise InputError(f'--storm "{text}" has no time of its own: write "{storm.name}@2023-03-11T02:00"')
    moment = moment_ns(began, "--storm")
    assert moment is not None
    begins, span = moment - int(bars.open_ns[0]), bars.count * bars.bar_ns
    if not 0 <= begins < span:
        told = f"{to_iso(int(bars.open_ns[0]))[:16]} to {to_iso(int(bars.open_ns[0]) + span)[:16]}"
        raise InputError(
            f'--storm "{text}" begins {to_iso(moment)[:16]}, outside of the run ({told}): move the run with --from and --to, '
            f'or the storm with "{storm.name}@TIME"'
        )
    return storm, begins


def _absences(storm: Storm, begins: int, horizon: int) -> list[Absence]:
    """Outages in seconds of the run; one that lasts as long as its storm has no end that anybody knows."""
    from perpbook.scenario.overlay import Absence

    out = []
    for one in storm.outages:
        end = horizon if one.span.until_ns >= storm.horizon_ns else -(-(begins + one.span.until_ns) // SECOND_NS)
        out.append(
            Absence(
                where=one.where, name=one.name, kind=one.kind, start_step=(begins + one.span.at_ns) // SECOND_NS,
                end_step=int(end), factor=one.factor,
            )
        )  # fmt: skip
    return out


def _at(storm: Storm, begins: int) -> Storm:
    """What of a storm acts in a run of history, moved to its moment."""
    from perpbook.scenario.compose import later
    from perpbook.scenario.storm import Storm

    kept = Storm(
        name=storm.name, title=storm.title, kind=storm.kind, horizon_ns=storm.horizon_ns, step_ns=storm.step_ns,
        outages=storm.outages, collateral=storm.collateral,
    )  # fmt: skip
    return later(kept, begins)


def _fallen(storm: Storm) -> Any:
    from perpbook.treasury.courier import Fallen

    return tuple(
        Fallen(coin=one.asset, start=one.knots[0][0] / SECOND_NS, end=_last(one.knots) / SECOND_NS)
        for one in storm.collateral
    )


def _last(knots: Sequence[tuple[int, float]]) -> float:
    """When a coin is back at its peg; inf for not."""
    return float(knots[-1][0]) if knots[-1][1] == 0.0 else math.inf


def _away(
    placed: Sequence[tuple[Storm, int]], bars: Bars, facts: Facts, past: GasPast
) -> tuple[tuple[Absence, ...], list[str]]:
    """All that storms take away, and what is said of gas that is in the base fees of the past already."""
    out: list[Absence] = []
    told = []
    for storm, begins in placed:
        for one in _absences(storm, begins, bars.count * bars.bar_ns // SECOND_NS):
            if _is_own(storm, begins, bars) and _in_past(one, facts, past):
                told.append(
                    f"{storm.name}: gas on {one.name} is not made dearer, as the lake's base fees are of that time"
                )
            else:
                out.append(one)
    return tuple(out), told


def _in_past(one: Absence, facts: Facts, past: GasPast) -> bool:
    """Whether an absence is gas that the past has a base fee of when it begins."""
    layer = facts.layer_id(one.name) if one.where == "layer" and one.kind == "gas" else None
    return layer is not None and past.fee(layer, float(one.start_step), paid=True) is not None


def _is_own(storm: Storm, begins: int, bars: Bars) -> bool:
    """Whether a storm is laid at its own time."""
    return bool(storm.began) and to_iso(int(bars.open_ns[0]) + begins).startswith(storm.began[:10])


def _words(storm: Storm, begins: int, bars: Bars) -> list[str]:
    when = to_iso(int(bars.open_ns[0]) + begins)[:16]
    own = "its own time" if _is_own(storm, begins, bars) else "a time given by hand"
    told = f'of "{storm.name}", from {when} ({own}), what it closes holds money and what leaves its peg counts for less; prices'
    return [f"{told} and venues are history's own", *(f"{storm.name}: {one}" for one in storm.assumed)]


def _peg_words(overlay: Overlay, keys: Sequence[SeriesKey]) -> list[str]:
    from perpbook.engine.coins import coin_and_unit

    out = []
    for coin, peg in overlay.pegs.items():
        hit = [key.venue for key in keys if coin.upper() in {one.upper() for one in coin_and_unit(key)}]
        where = f"as collateral on {', '.join(dict.fromkeys(hit))}" if hit else "in no account's margin"
        out.append(
            f"{coin} falls to {peg.least:.3f} by the storm's path, not by data, {where}; on layers, and where it is the money "
            "of its venue, it counts at par"
        )
    return out


def _strangers(away: tuple[Absence, ...], facts: Facts) -> list[str]:
    from perpbook.runs.rescue import strangers

    return strangers(away, facts)


def _with_coins(bars: Bars, overlay: Overlay, keys: Sequence[SeriesKey]) -> Bars:
    """The bars with a series for each coin."""
    from perpbook.engine.weather import relative
    from perpbook.model.bars import Settlements

    paths = [relative(overlay, key, bars.count) for key in keys]
    if not paths:
        return bars
    close = np.array([one.close for one in paths])
    opened = np.concatenate([np.ones((len(paths), 1)), close[:, :-1]], axis=1)
    low = np.minimum(opened, close) * np.array([one.low for one in paths])
    high = np.maximum(opened, close) * np.array([one.high for one in paths])
    none = Settlements(times_ns=np.zeros(0, np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, np.int64))

    def under(old: Any, new: Any) -> Any:
        return np.ascontiguousarray(np.concatenate([old, new]))

    return replace(
        bars, series=(*bars.series, *keys), settlements=(*bars.settlements, *(none for _ in keys)),
        open=under(bars.open, opened), high=under(bars.high, high), low=under(bars.low, low),
        close=under(bars.close, close), stale=under(bars.stale, np.zeros(close.shape, np.uint8)),
    )  # fmt: skip
