"""A drill from files to numbers: the book now, history to draw from, thousands of weeks that never happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso
from perpbook.runs.scaled import check_scale, scaled
from perpbook.scenario.durations import MINUTE_NS

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.drill import Drill, Futures
    from perpbook.engine.drilled import Drilled
    from perpbook.engine.standard import Standard
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars, SeriesKey
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.drill_parts import Manner
    from perpbook.runs.rescue import Situation
    from perpbook.runs.storms import Faced
    from perpbook.runs.treasury_given import TreasuryGiven
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms

Tell = Callable[[str, int, int], object]

SOURCES = ("bootstrap", "filtered", "vine", "copula", "student", "normal", "still", "replay")
"""Kinds of paths: `scenario.sources`; still prices move by a storm alone, replay goes through its window in the lake."""

ALONE = ("still", "replay")
"""Kinds without chance: one path."""


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
    towards none (below 0), where the kind of path has one. `nu`, `filter` None: fitted, or the usual one; `trees` of a vine;
    `jumps` as `scenario.jumps` reads them (`drill_source`). `storm` is an expression of storms (`scenario.compose`).
    `scale` : every position so many times as large from the start. `arrives_ns` : how long money sent at the start is on its
    way to an account, by its name. `treasury` : who moves money in every future, None for nobody."""

    book: Path
    playbook: Path | None
    history: History
    storm: str | None = None
    kind: str = "bootstrap"
    paths: int = 10_000
    horizon_ns: int = 7 * DAY_NS
    step_ns: int = HOUR_NS
    seed: int = 1
    nu: float | None = None
    block: float | None = None
    shock: float = 1.0
    blend: float = 0.0
    scale: float = 1.0
    filter: str | None = None
    trees: int = 2
    jumps: str | None = None
    arrives_ns: Mapping[str, int] = field(default_factory=dict)
    terms_folders: tuple[Path, ...] = ()
    treasury: TreasuryGiven | None = None

    def __post_init__(self) -> None:
        from perpbook.runs.drill_source import refuse_unfit

        if self.kind not in SOURCES:
            raise InputError(f'"{self.kind}" is no kind of path: choose one of {", ".join(SOURCES)}')
        if not 0 <= self.seed < 2**63:
            raise InputError(f"the seed is {self.seed}: it must be a whole number from 0 to 2^63 - 1")
        if not 0.0 < self.shock <= 20.0:
            raise InputError(f"a shock of {self.shock:g} times every move does not do: choose from above 0 to 20")
        check_scale(self.scale)
        if not -1.0 <= self.blend <= 1.0:
            raise InputError(f"a blend of {self.blend:g} does not do: -1 is no correlation, 0 the past's, 1 all as one")
        if self.kind in ALONE and self.storm is None:
            raise InputError(f"{self.kind} paths are a storm's alone: name one with --storm, or choose another --kind")
        if self.blend != 0.0 and self.kind in ("bootstrap", "filtered", "vine", *ALONE):
            raise InputError(
                f"{self.kind} paths keep the past's own joint moves: --blend needs copula, student or normal paths"
            )
        refuse_unfit(self)


def nothing(step: str, number: int, total: int) -> None:
    """Tell nobody."""


def run_asked_drill(
    asked: DrillAsked,
    tell: Tell = nothing,
    *,
    threads: int = 2,
    manner: Manner | None = None,
) -> Drilled:
    """Drill a book file; `manner` says whether part by part into a folder, and within how much memory.

    Raises
    ------
    InputError : a file or option is wrong, history is too short, memory too little, or the folder holds another drill.
    DataError : history is missing.
    """
    from perpbook.engine.drilled import Drilled
    from perpbook.runs.drill_keep import finished_drill
    from perpbook.runs.drill_memory import MOST_BYTES, room_for
    from perpbook.runs.drill_parts import Manner, result_hash, run_in_parts
    from perpbook.runs.rescue import rescue_gaps

    manner = manner or Manner()
    plan = plan_drill(asked, most_bytes=manner.most_bytes, threads=threads)
    finished = finished_drill(plan.drill, manner.keeping) if manner.keeping else None
    if finished is not None:
        return finished
    room = room_for(plan.drill, threads=threads, most=manner.most_bytes or MOST_BYTES)
    if manner.most_bytes is not None:
        manner.say(f"The drill takes {room.told}.")
    tell("drawing futures (the first drill compiles for minutes)", 0, asked.paths)
    whole = run_in_parts(plan.drill, room, tell, threads=threads, keeping=manner.keeping)
    ring = partial(_until_alarm, plan.drill, tell, threads)
    gaps = rescue_gaps(plan.situation, whole.under, whole.without, ring)
    return Drilled(
        drill=plan.drill,
        accounts=tuple(account.id for account in plan.drill.journey.book.accounts),
        under=whole.under,
        without=whole.without,
        scales=whole.scales,
        facts=plan.facts,
        notes=tuple(dict.fromkeys((*plan.notes, *gaps.notes))),
        not_modelled=(*plan.unheard, *NOT_MODELLED),
        result_hash=result_hash(plan.facts, (whole.under, whole.without)),
        standard=plan.standard,
        rescue=gaps,
    )


def _until_alarm(drill: Drill, tell: Tell, threads: int, times: Floats) -> Futures:
    """The futures without rules, under requirements so many times as large, by account."""
    from perpbook.engine.drill import run_drill

    alone = replace(drill, journey=replace(drill.journey, playbook=None), strain=times)
    return run_drill(
        alone, threads=threads, progress=lambda done, every: tell("until an alarm rings", done, every)
    )  # fmt: skip


def run_side(asked: DrillAsked, tell: Tell = nothing, *, threads: int = 2) -> Futures:
    """The futures under the playbook alone, or without one, and nothing about them; errors as `run_asked_drill`."""
    from perpbook.engine.drill import run_drill

    drill = plan_drill(asked, threads=threads).drill
    name = drill.journey.playbook.name if drill.journey.playbook else "the book alone"
    return run_drill(drill, threads=threads, progress=lambda done, every: tell(name, done, every))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A drill laid ready, and what its reader must know: `unheard` is what its storm says that no drill acts on."""

    drill: Drill
    facts: dict[str, Any]
    notes: tuple[str, ...]
    unheard: tuple[str, ...]
    situation: Situation
    standard: Standard


def plan_drill(asked: DrillAsked, *, most_bytes: int | None = None, threads: int = 2) -> Planned:
    """Everything read and laid ready, to run on so many threads within so many bytes; errors as `run_asked_drill`."""
    from perpbook.engine.drill import Drill
    from perpbook.engine.play import coins_left_out
    from perpbook.engine.stage import contracts_of
    from perpbook.engine.weather import still_coins
    from perpbook.playbook.timed import hardship_notes
    from perpbook.runs.check import load_all_terms, read_inputs
    from perpbook.runs.drill_source import alone_source, source_of
    from perpbook.runs.drill_standard import standard_metrics
    from perpbook.runs.own_storms import OwnBook, names_worst, storm_of
    from perpbook.runs.storms import face, ground_of

    snapshot, playbook = read_inputs(
        asked.book, asked.playbook, market=None, now_ns=None, terms_folders=asked.terms_folders
    )
    _known_accounts(asked, snapshot)
    terms = load_all_terms(snapshot, asked.terms_folders)
    snapshot = scaled(snapshot, terms, asked.scale)
    drawn, rules = asked.kind not in ALONE, playbook if asked.playbook else None
    _check_size(asked, snapshot, len(contracts_of(snapshot, terms)), (most_bytes, threads))
    journey = stage_journey(asked, snapshot, terms, rules, None)
    past = read_past(asked, terms, contracts_of(snapshot, terms)) if drawn or names_worst(asked.storm) else None
    ground = ground_of(snapshot, terms, journey, past)
    own = OwnBook(snapshot=snapshot, playbook=rules, terms=terms, journey=journey)
    storm = storm_of(asked.storm, own, past, ground) if asked.storm else None
    if storm is not None:
        journey = stage_journey(asked, snapshot, terms, rules, storm)
    journey, counted = counting_on(asked, snapshot, journey)
    faced = face(storm, journey, ground, asked.kind) if storm else None
    sourced = source_of(asked, past, storm, ground) if drawn and past else alone_source(asked, past, storm, ground)
    drill = Drill(
        journey=journey,
        source=sourced.source,
        paths=asked.paths if drawn else 1,
        seed=asked.seed,
        surroundings=faced.surroundings if faced else None,
    )
    told = (*coins_left_out(snapshot.book), *hardship_notes(rules), *(faced.notes if faced else ()), *counted)
    return Planned(
        drill=drill,
        facts=facts_of(asked, snapshot, past, drill) | sourced.facts,
        notes=tuple(dict.fromkeys((*(past.notes if past else ()), *sourced.notes, *told, *still_coins(journey.bars)))),
        unheard=faced.unheard if faced else (),
        situation=situation_of(asked, snapshot, drill, past, faced),
        standard=standard_metrics(snapshot, terms, past, asked.horizon_ns),
    )


def counting_on(asked: DrillAsked, snapshot: Snapshot, journey: Journey) -> tuple[Journey, tuple[str, ...]]:
    """The journey with what the lake says of settlements before it, where a rule counts them, and what to say of that."""
    rules = journey.playbook.funding if journey.playbook else None
    if rules is None or rules.flip_after is None or asked.history.made_up:
        return journey, ()
    from perpbook.runs.check_past import read_past_funding, told_of_counts

    known = read_past_funding(asked.history.lake, snapshot, journey.terms)
    return replace(journey, past=known.past), told_of_counts(known)


def situation_of(
    asked: DrillAsked, snapshot: Snapshot, drill: Drill, past: Bars | None, faced: Faced | None
) -> Situation:
    """What the rescue gap must know of a drill."""
    from perpbook.runs.rescue import Situation, motions_of
    from perpbook.terms.find import find_contract

    terms, series = drill.journey.terms, drill.journey.bars.series
    motions, why = {}, "no price moves by chance in it"
    if past is not None and faced is not None and faced.moves_prices:
        why = "the storm moves prices"
    elif past is not None:
        assets = tuple(find_contract(terms[key.venue], key.symbol).contract.base for key in series)
        motions = motions_of(past, assets, asked.shock, fair=asked.kind == "normal")
    return Situation(
        snapshot=snapshot,
        terms=terms,
        drill=drill,
        absences=faced.absences if faced else (),
        told=tuple(asked.arrives_ns),
        motions=motions,
        still=why,
    )


def _check_size(asked: DrillAsked, snapshot: Snapshot, contracts: int, limits: tuple[int | None, int]) -> None:
    """limits : bytes (None: the usual most), and threads."""
    from perpbook.runs.drill_memory import MOST_BYTES, Extent, check_size

    extent = Extent(
        steps=asked.horizon_ns // asked.step_ns,
        contracts=contracts,
        accounts=len(snapshot.book.accounts),
        paths=1 if asked.kind in ALONE else asked.paths,
        threads=limits[1],
    )
    check_size(extent, asked.step_ns / MINUTE_NS, limits[0] or MOST_BYTES)


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
        from perpbook.runs.made_up import made_up_past

        return made_up_past(terms, contracts, bar_ns=asked.step_ns, seed=asked.seed)
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
        "scale": asked.scale,
        "arrives_hours": {name: length / HOUR_NS for name, length in asked.arrives_ns.items()},
        "nu": None,
        "jumps": asked.jumps,
        "history_from": to_iso(int(past.open_ns[0])) if past else None,
        "history_to": to_iso(int(past.open_ns[-1]) + past.bar_ns) if past else None,
        "history_bars": past.count if past else 0,
        "history_source": past.source if past else "none: prices stand still but for the storm",
        "simulated": past.simulated if past else False,
    } | ({"treasury": asked.treasury.facts} if asked.treasury else {})
