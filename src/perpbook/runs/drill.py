"""A drill from files to numbers: the book now, history to draw from, thousands of weeks that never happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.drill import Drill, Futures
    from perpbook.engine.drilled import Drilled
    from perpbook.kernels.paths import Source
    from perpbook.model.bars import Bars, SeriesKey
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms

Tell = Callable[[str, int, int], object]

SOURCES = ("bootstrap", "filtered", "copula", "student", "normal", "still", "replay")
"""Kinds of paths: `scenario.sources`; still prices move by a storm alone, replay goes through its window in the lake."""

ALONE = ("still", "replay")
"""Kinds without chance: one path."""

NU = 4.0
"""Degrees of freedom of the fat-tailed kinds unless given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What paths are drawn from: bars of `lake` from `start_ns` to `end_ns` (None as far as they go), or, with `made_up`,
    a year of simulated hours."""

    lake: Path
    start_ns: int | None = None
    end_ns: int | None = None
    proxies: Mapping[str, str]
    funding: Mapping[str, str]
    made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillAsked:
    """A drill as the trader asks for it. `shock` multiplies every move, `blend` pulls correlation towards one (above 0) or
    towards none (below 0), where the kind of path has one. `storm` is an expression of storms (`scenario.compose`).
    `arrives_ns` : how long money sent at the start is on its way to an account, by its name."""

    book: Path
    playbook: Path | None
    history: History
    storm: str | None = None
    kind: str = "bootstrap"
    paths: int = 10_000
    horizon_ns: int = 7 * DAY_NS
    step_ns: int = HOUR_NS
    seed: int = 1
    nu: float = NU
    block: float | None = None
    shock: float = 1.0
    blend: float = 0.0
    arrives_ns: Mapping[str, int] = field(default_factory=dict)
    terms_folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in SOURCES:
            raise InputError(f'"{self.kind}" is no kind of path: choose one of {", ".join(SOURCES)}')
        if not 0 <= self.seed < 2**63:
            raise InputError(f"the seed is {self.seed}: it must be a whole number from 0 to 2^63 - 1")
        if not 0.0 < self.shock <= 20.0:
            raise InputError(f"a shock of {self.shock:g} times every move does not do: choose from above 0 to 20")
        if not -1.0 <= self.blend <= 1.0:
            raise InputError(f"a blend of {self.blend:g} does not do: -1 is no correlation, 0 the past's, 1 all as one")
        if self.kind in ALONE and self.storm is None:
            raise InputError(f"{self.kind} paths are a storm's alone: name one with --storm, or choose another --kind")
        if self.blend != 0.0 and self.kind in ("bootstrap", "filtered", *ALONE):
            raise InputError(
                f"{self.kind} paths keep the past's own joint moves: --blend needs copula, student or normal paths"
            )


def nothing(step: str, number: int, total: int) -> None:
    """Tell nobody."""


def run_asked_drill(asked: DrillAsked, tell: Tell = nothing, *, threads: int = 2) -> Drilled:
    """Drill a book file.

    Raises
    ------
    InputError : a file or option is wrong, or history is too short.
    DataError : history is missing.
    """
    from perpbook.engine.drill import run_drill, scales_survived
    from perpbook.engine.drilled import Drilled

    plan = plan_drill(asked)
    drill, journey = plan.drill, plan.drill.journey
    alone = replace(drill, journey=replace(journey, playbook=None))

    def run(one: Drill, name: str) -> Futures:
        return run_drill(one, threads=threads, progress=lambda done, every: tell(name, done, every))

    tell("drawing futures (the first drill compiles for minutes)", 0, asked.paths)
    under = run(drill, "under the playbook") if journey.playbook else None
    without = run(alone, "without it")
    return Drilled(
        drill=drill,
        accounts=tuple(account.id for account in journey.book.accounts),
        under=under,
        without=without,
        scales=scales_survived(alone),
        facts=plan.facts,
        notes=plan.notes,
        not_modelled=(*plan.unheard, *NOT_MODELLED),
        result_hash=hash_of(plan.facts, (under, without)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A drill laid ready, and what its reader must know: `unheard` is what its storm says that no drill acts on."""

    drill: Drill
    facts: dict[str, Any]
    notes: tuple[str, ...]
    unheard: tuple[str, ...]


def plan_drill(asked: DrillAsked) -> Planned:
    """Everything read and laid ready; errors as `run_asked_drill`."""
    from perpbook.engine.drill import Drill
    from perpbook.engine.stage import contracts_of
    from perpbook.engine.weather import still_coins
    from perpbook.runs.check import load_all_terms, read_inputs
    from perpbook.runs.storms import face, ground_of, replay, still, window_of
    from perpbook.scenario.catalogue import find_storm

    snapshot, playbook = read_inputs(
        asked.book, asked.playbook, market=None, now_ns=None, terms_folders=asked.terms_folders
    )
    _known_accounts(asked, snapshot)
    terms = load_all_terms(snapshot, asked.terms_folders)
    storm = find_storm(asked.storm) if asked.storm else None
    journey = stage_journey(asked, snapshot, terms, playbook if asked.playbook else None, storm)
    past = None if asked.kind in ALONE else read_past(asked, terms, contracts_of(snapshot, terms))
    ground = ground_of(snapshot, terms, journey, past)
    faced = face(storm, journey, ground, asked.kind) if storm else None
    if past is not None:
        source, noted = source_of(asked, past, storm, ground), past.notes
    elif storm is not None and asked.kind == "replay":
        window = window_of(storm, asked.history.lake, ground, asked.step_ns)
        source, noted = replay(window), window.notes
    else:
        source, noted = still(ground), ()
    drill = Drill(
        journey=journey,
        source=source,
        paths=asked.paths if past else 1,
        seed=asked.seed,
        surroundings=faced.surroundings if faced else None,
    )
    return Planned(
        drill=drill,
        facts=facts_of(asked, snapshot, past, drill),
        notes=tuple(dict.fromkeys([*noted, *(faced.notes if faced else ()), *still_coins(journey.bars)])),
        unheard=faced.unheard if faced else (),
    )


def _known_accounts(asked: DrillAsked, snapshot: Snapshot) -> None:
    """Refuse times of arrival for accounts that are not there."""
    known = [account.id for account in snapshot.book.accounts]
    for name in asked.arrives_ns:
        if name not in known:
            raise InputError(f'--arrives names "{name}", which is no account of this book: it has {", ".join(known)}')


def stage_journey(
    asked: DrillAsked,
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    playbook: Playbook | None,
    storm: Storm | None = None,
) -> Journey:
    """The book as it stands, on a stage as long as the drill; coins that a storm takes off their peg are on it too."""
    from perpbook.engine.backtest import Journey
    from perpbook.engine.coins import coins_beside
    from perpbook.engine.stage import Horizon, contracts_of, stage
    from perpbook.playbook.schedule import due_bars

    horizon = Horizon(
        start_ns=snapshot.market.as_of_ns // asked.step_ns * asked.step_ns,
        step_ns=asked.step_ns,
        steps=asked.horizon_ns // asked.step_ns,
    )
    contracts = contracts_of(snapshot, terms)
    coins = coins_beside(snapshot.book, terms, contracts, [one.asset for one in storm.collateral] if storm else [])
    bars = stage(snapshot, terms, contracts, horizon, coins)
    return Journey(
        book=snapshot.book,
        terms=terms,
        bars=bars,
        playbook=playbook,
        betas=snapshot.market.betas,
        due=due_bars(playbook.rebalance, bars.open_ns, bars.bar_ns) if playbook and playbook.rebalance else None,
        seed=asked.seed,
    )


NOT_MODELLED = (
    "moves larger than history's own, unless --shock or a fat-tailed kind is asked for",
    "what the book's own liquidation does to the market",
    "deposits made during the drill, and orders that a human would give",
    "mark and oracle prices apart from traded ones, auto-deleveraging and outages, unless the storm names them",
)


def read_past(asked: DrillAsked, terms: Mapping[str, VenueTerms], contracts: tuple[SeriesKey, ...]) -> Bars:
    """History of every contract, of the drill's own step."""
    if asked.history.made_up:
        return made_up_past(asked, terms, contracts)
    from perpbook.history.choose import Wanted, span_of
    from perpbook.history.lake import Lake
    from perpbook.history.load import load_bars
    from perpbook.terms.find import find_contract

    lake, history = Lake(asked.history.lake), asked.history
    found = [find_contract(terms[key.venue], key.symbol).contract for key in contracts]
    wanted = [
        Wanted(venue=key.venue, symbol=key.symbol, base=one.base, quote=one.quote)
        for key, one in zip(contracts, found, strict=True)
    ]
    start, end = history.start_ns, history.end_ns
    if start is None or end is None:
        first, last = span_of(lake, wanted, bar_ns=asked.step_ns, proxies=history.proxies)
        start, end = first if start is None else start, last if end is None else end
    return load_bars(
        lake, wanted, bar_ns=asked.step_ns, start_ns=start, end_ns=end, proxies=history.proxies, funding=history.funding
    )


def made_up_past(asked: DrillAsked, terms: Mapping[str, VenueTerms], contracts: tuple[SeriesKey, ...]) -> Bars:
    """A year of simulated steps of every asset; venues differ in nothing."""
    from perpbook.model.bars import Bars, Settlements
    from perpbook.scenario.generate import DESK, Asset, Plan, generate
    from perpbook.terms.find import find_contract

    bases = [find_contract(terms[key.venue], key.symbol).contract.base for key in contracts]
    known = {one.base: one for one in DESK}
    assets = tuple(known.get(base, Asset(base=base, price=1.0, beta=1.3, own=0.4)) for base in dict.fromkeys(bases))
    plan = Plan(assets=assets, start_ns=0, bar_ns=asked.step_ns, count=int(365 * DAY_NS // asked.step_ns))
    made = {one.base: one for one in generate(plan, np.random.default_rng(asked.seed))}

    def stack(name: str) -> Any:
        return np.ascontiguousarray([getattr(made[base], name) for base in bases])

    close = stack("close")
    settled = [
        Settlements(
            times_ns=made[base].funding_ns, rates=made[base].rates,
            interval_ns=np.full(made[base].rates.size, plan.funding_ns),
        )
        for base in bases
    ]  # fmt: skip
    return Bars(
        bar_ns=plan.bar_ns, open_ns=made[bases[0]].open_ns, series=contracts, open=stack("open"), high=stack("high"),
        low=stack("low"), close=close, stale=np.zeros(close.shape, dtype=np.uint8), settlements=tuple(settled),
        simulated=True, source=f"generated, seed {asked.seed}",
        notes=("history is SIMULATED: no market ever made it",),
    )  # fmt: skip


def source_of(asked: DrillAsked, past: Bars, storm: Storm | None, ground: Ground) -> Source:
    """The source of paths that was asked for; a storm's shock to correlation is a shock to its."""
    from perpbook.scenario import sources
    from perpbook.scenario.matrix import shocked_correlation

    if asked.kind == "bootstrap":
        return sources.scaled(sources.bootstrap_source(past, mean_block=asked.block), asked.shock)
    if asked.kind == "filtered":
        return sources.scaled(sources.filtered_source(past, mean_block=asked.block), asked.shock)
    moves = np.log(sources.pool_of(past)[:, :, 0])
    correlation = sources.blended(sources.rank_correlation(moves), asked.blend)
    if storm is not None and storm.correlation is not None:
        correlation = shocked_correlation(correlation, ground.assets, storm.correlation, ground.exposures).matrix
    funding = sources.hourly_funding(past).mean(axis=1)
    if asked.kind == "copula":
        return sources.scaled(sources.copula_source(past, nu=asked.nu, correlation=correlation), asked.shock)
    volatility = moves.std(axis=1) * asked.shock
    if asked.kind == "student":
        return sources.student_source(volatility, correlation, asked.nu, funding=funding)
    return sources.normal_source(volatility, correlation, funding=funding)


def facts_of(asked: DrillAsked, snapshot: Snapshot, past: Bars | None, drill: Drill) -> dict[str, Any]:
    """What was drilled."""
    from perpbook import __version__

    playbook = drill.journey.playbook
    return {
        "version": __version__,
        "book": snapshot.book.source,
        "as_of": to_iso(snapshot.market.as_of_ns),
        "playbook": playbook.name if playbook else None,
        "storm": asked.storm,
        "paths": drill.paths,
        "kind": asked.kind,
        "horizon_hours": asked.horizon_ns / HOUR_NS,
        "step_hours": asked.step_ns / HOUR_NS,
        "seed": asked.seed,
        "shock": asked.shock,
        "blend": asked.blend,
        "arrives_hours": {name: length / HOUR_NS for name, length in asked.arrives_ns.items()},
        "nu": asked.nu if asked.kind in ("copula", "student") else None,
        "history_from": to_iso(int(past.open_ns[0])) if past else None,
        "history_to": to_iso(int(past.open_ns[-1]) + past.bar_ns) if past else None,
        "history_bars": past.count if past else 0,
        "history_source": past.source if past else "none: prices stand still but for the storm",
        "simulated": past.simulated if past else False,
    }


def hash_of(facts: Mapping[str, Any], sides: tuple[Futures | None, ...]) -> str:
    """A name for the result: the same inputs, version and seed give the same."""
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for side in sides:
        if side is not None:
            digest.update(np.ascontiguousarray(side.figures).tobytes())
    return digest.hexdigest()[:16]
