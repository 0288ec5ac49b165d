"""The source of a drill's paths: the past, or a law fitted to it, and what its reader must know of the fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from perpbook.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from perpbook.kernels.paths import Source
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars
    from perpbook.scenario.filtered import Law
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import Storm

NU = 4.0
"""Degrees of freedom of Student's moves unless given, and of a copula that cannot be fitted."""

TABLE_ROWS = 100_000
"""Joint moves of a vine's table."""

FILTERS = ("gjr", "ewma")
"""How volatility is taken out of the past: GJR-GARCH with Student's t innovations, or exponential weighting."""


class OfLake(Protocol):
    """Where history is: see `runs.drill.History`."""

    @property
    def lake(self) -> Path: ...  # noqa: D102


class PathsAsked(Protocol):
    """What of a drill's options its paths are made by: see `runs.drill.DrillAsked`."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def history(self) -> OfLake: ...  # noqa: D102
    @property
    def step_ns(self) -> int: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def nu(self) -> float | None: ...  # noqa: D102
    @property
    def block(self) -> float | None: ...  # noqa: D102
    @property
    def shock(self) -> float: ...  # noqa: D102
    @property
    def blend(self) -> float: ...  # noqa: D102
    @property
    def filter(self) -> str | None: ...  # noqa: D102
    @property
    def trees(self) -> int: ...  # noqa: D102
    @property
    def jumps(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """A source, what was fitted (`facts`, plain data), and what to say of it."""

    source: Source
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def source_of(asked: PathsAsked, past: Bars, storm: Storm | None, ground: Ground) -> Sourced:
    """The source of paths that was asked for; a storm's shock to correlation is a shock to its.

    Raises
    ------
    InputError : too little history for what is fitted, a package that is not installed, a matrix that is none.
    """
    from perpbook.scenario import sources

    if asked.kind == "bootstrap":
        found = Sourced(source=sources.bootstrap_source(past, mean_block=asked.block))
    elif asked.kind == "filtered":
        found = _filtered(asked, past)
    elif asked.kind == "vine":
        found = _vine(asked, past)
    else:
        return _jumping(asked, _of_law(asked, past, storm, ground), ground)
    return _jumping(asked, _scaled(found, asked.shock), ground)


def alone_source(asked: PathsAsked, past: Bars | None, storm: Storm | None, ground: Ground) -> Sourced:
    """Prices that stand still but for the storm, or go through its window again: that of the lake, or of the book's own past.

    Raises
    ------
    InputError : a storm that replays nothing.
    DataError : the lake has no history of the window.
    """
    from perpbook.runs.own_storms import own_window
    from perpbook.runs.storms import replay, still, window_of
    from perpbook.scenario.worst import OWN

    if storm is None or asked.kind != "replay":
        return Sourced(source=still(ground))
    if past is not None and storm.replay is not None and storm.replay.source == OWN:
        window = own_window(storm, past, ground)
    else:
        window = window_of(storm, asked.history.lake, ground, asked.step_ns)
    return Sourced(source=replay(window), notes=window.notes)


def _scaled(found: Sourced, by: float) -> Sourced:
    from dataclasses import replace

    from perpbook.scenario.sources import scaled

    return replace(found, source=scaled(found.source, by))


def _of_law(asked: PathsAsked, past: Bars, storm: Storm | None, ground: Ground) -> Sourced:
    """Copula, Student's and normal moves: those with a correlation."""
    from perpbook.scenario import sources
    from perpbook.scenario.matrix import shocked_correlation

    moves = np.log(sources.pool_of(past)[:, :, 0])
    ranked, distance = valid(sources.rank_correlation(moves))
    notes: tuple[str, ...] = ()
    if distance:
        notes = (f"the correlation of the past's ranks is none; the nearest one, {distance:.3g} away, stands in",)
    correlation = sources.blended(ranked, asked.blend)
    if storm is not None and storm.correlation is not None:
        shocked = shocked_correlation(correlation, ground.assets, storm.correlation, ground.exposures)
        correlation, notes = shocked.matrix, (*notes, *shocked.notes)
    funding = sources.hourly_funding(past).mean(axis=1)
    if asked.kind == "copula":
        nu, told = _nu(asked, moves, ranked, ground)
        source = sources.scaled(sources.copula_source(past, nu=nu, correlation=correlation), asked.shock)
        return Sourced(source=source, facts={"nu": nu}, notes=(*notes, *told))
    volatility = moves.std(axis=1) * asked.shock
    if asked.kind == "student":
        nu = asked.nu if asked.nu is not None else NU
        source = sources.student_source(volatility, correlation, nu, funding=funding)
        return Sourced(source=source, facts={"nu": nu}, notes=notes)
    return Sourced(source=sources.normal_source(volatility, correlation, funding=funding), notes=notes)


def valid(correlation: Floats) -> tuple[Floats, float]:
    """A correlation matrix, the nearest one where pairs measured one by one make none, and how far it is."""
    from perpbook.scenario.matrix import VALID, nearest_correlation

    if np.linalg.eigvalsh(correlation).min() >= -VALID * len(correlation):
        return correlation, 0.0
    return nearest_correlation(correlation)


def _nu(asked: PathsAsked, moves: Floats, ranked: Floats, ground: Ground) -> tuple[float, list[str]]:
    """Degrees of freedom of the copula: as asked, or the most likely of one contract per asset."""
    from perpbook.tails.joint import fit_joint_nu

    if asked.nu is not None:
        return asked.nu, []
    rows = [ground.assets.index(asset) for asset in dict.fromkeys(ground.assets)]
    if len(rows) < 2:
        return NU, [f"one asset has no dependence to fit: the copula's nu is {NU:g}"]
    found = fit_joint_nu(moves[rows], ranked[np.ix_(rows, rows)])
    bound = ", the end of what is looked for" if found.at_bound else ""
    return found.nu, [
        f"the t-copula's nu is {found.nu:.2f}{bound}, the most likely of {found.rows:,} joint moves of {len(rows)} assets"
    ]


def _filtered(asked: PathsAsked, past: Bars) -> Sourced:
    from perpbook.scenario.filtered import MOST_VARIANCE, filtered_source, moves_of
    from perpbook.scenario.garch import has_arch

    capped = f"variance stays below {MOST_VARIANCE:g} times the highest of the past"
    if asked.filter == "ewma" or (asked.filter is None and not has_arch()):
        missing = "" if asked.filter else ", for arch is not installed (pip install 'perpbook[tails]')"
        note = f"volatility is filtered by exponential weighting, not by a fitted GARCH{missing}; {capped}"
        return Sourced(source=filtered_source(past, mean_block=asked.block), facts={"filter": "ewma"}, notes=(note,))
    laws, fitted, notes = fitted_laws(moves_of(past), [f"{key.symbol} on {key.venue}" for key in past.series])
    return Sourced(
        source=filtered_source(past, mean_block=asked.block, laws=laws),
        facts={"filter": "gjr", "fitted": fitted},
        notes=(*notes, f"volatility is filtered by GJR-GARCH with Student's t innovations; {capped}"),
    )


def fitted_laws(moves: Floats, names: list[str]) -> tuple[list[Law], dict[str, Any], list[str]]:
    """GJR-GARCH of every row of moves (C, n), rows that are the same fitted once. A fit without a long run is drawn back to the
    past's, one that did not settle gives way to exponential weighting, each with a note."""
    from perpbook.scenario.filtered import drawn_back, weighted_law
    from perpbook.scenario.garch import fit_gjr

    kept, places = distinct(moves)
    laws: list[Law] = []
    fitted: dict[str, Any] = {}
    notes: list[str] = []
    for row in kept:
        fit, name = fit_gjr(moves[row], names[row]), names[row]
        law = (fit.omega, fit.alpha, fit.leverage, fit.beta)
        if not fit.settled:
            laws.append(weighted_law(moves[row]))
            notes.append(
                f"GJR-GARCH of {name} does not do, its likelihood did not settle: exponential weighting stands in"
            )
            continue
        if not fit.stationary:
            law = drawn_back(law, moves[row])
            told = "is not stationary: its variance is drawn back to the past's, by a hundredth a step"
            notes.append(f"GJR-GARCH of {name} {told}")
        laws.append(law)
        fitted[name] = {
            "alpha": law[1], "leverage": law[2], "beta": law[3], "persistence": fit.persistence, "nu": fit.nu
        }  # fmt: skip
    return [laws[place] for place in places], fitted, notes


def distinct(moves: Floats) -> tuple[list[int], list[int]]:
    """Rows of moves (C, n) that differ, and for each row which of them it is: a proxy's prices stand in several places."""
    kept: list[int] = []
    places = []
    for row in range(moves.shape[0]):
        same = next((at for at, one in enumerate(kept) if np.array_equal(moves[one], moves[row])), None)
        places.append(len(kept) if same is None else same)
        if same is None:
            kept.append(row)
    return kept, places


def _vine(asked: PathsAsked, past: Bars) -> Sourced:
    """A table of joint moves of a vine with fitted margins."""
    from perpbook.scenario.sources import hourly_funding, pool_of
    from perpbook.scenario.vine import fit_vine, table_source
    from perpbook.tails.margins import fit_margin

    every = np.log(pool_of(past)[:, :, 0])
    every -= every.mean(axis=1, keepdims=True)
    kept, places = distinct(every)
    moves, names = every[kept], [f"{past.series[row].symbol} on {past.series[row].venue}" for row in kept]
    chance = np.random.Generator(np.random.SFC64(np.random.SeedSequence(asked.seed).spawn(1)[0]))
    vine = fit_vine(moves, tuple(names), asked.trees)
    shares = vine.shares(chance.random((TABLE_ROWS, len(kept))))
    margins = [fit_margin(row, name) for row, name in zip(moves, names, strict=True)]
    table = np.stack([one.quantile(share) for one, share in zip(margins, shares.T, strict=True)])
    table -= table.mean(axis=1, keepdims=True)
    source = table_source(table[places], every.std(axis=1), hourly_funding(past).mean(axis=1), chance)
    told = (
        f"steps are rows of a table of {TABLE_ROWS:,} joint moves of a regular vine ({asked.trees} trees, {vine.rows:,} moves "
        "looked at): no memory of volatility, and nothing rarer than the table"
    )
    margin = "each price keeps its own distribution, with a fitted generalised Pareto tail beyond the outer 2.5 % of each side"
    notes = (told, margin, *(note for one in margins for note in one.notes))
    return Sourced(
        source=source, facts={"table_rows": TABLE_ROWS, "trees": asked.trees, "vine": vine.words}, notes=notes
    )


def _jumping(asked: PathsAsked, found: Sourced, ground: Ground) -> Sourced:
    """Jumps on top, where they were asked for."""
    from dataclasses import replace

    from perpbook.scenario.jumps import parse_jumps
    from perpbook.scenario.sources import with_jumps

    if asked.jumps is None:
        return found
    jumps = parse_jumps(asked.jumps)
    notes = ["jumps come on top of moves that have the past's own in them; --shock does not stretch them"]
    if asked.kind in ("bootstrap", "vine"):
        notes.append("with jumps on top, extremes inside a step are a Brownian bridge's, not the past's own")
    if jumps.excite:
        notes.append("jumps that a jump brings are not taken out of the drift: paths fall on average")
    lacking = sorted({asset for asset in ground.assets if asset not in ground.betas}) if jumps.by_beta else []
    if lacking:
        notes.append(f"no beta is known of {', '.join(lacking)}: jumps take 1")
    laid = jumps.laid(asked.step_ns, [ground.betas.get(asset, 1.0) for asset in ground.assets])
    return replace(found, source=with_jumps(found.source, laid), notes=(*found.notes, *notes))


TAKEN_BY = {
    "filter": ("filtered",), "block": ("bootstrap", "filtered"), "nu": ("copula", "student"), "trees": ("vine",),
}  # fmt: skip
"""Options that only some kinds of paths take."""

USUAL_TREES = 2


def refuse_unfit(asked: PathsAsked) -> None:
    """Options that the kind of path has no use for.

    Raises
    ------
    InputError : naming the option and the kinds that take it.
    """
    from perpbook.scenario.jumps import parse_jumps

    if asked.filter is not None and asked.filter not in FILTERS:
        raise InputError(f'"{asked.filter}" is no filter: choose one of {", ".join(FILTERS)}')
    given = {"filter": asked.filter is not None, "block": asked.block is not None, "nu": asked.nu is not None}
    for option, kinds in TAKEN_BY.items():
        if asked.kind not in kinds and given.get(option, asked.trees != USUAL_TREES):
            raise InputError(f"{asked.kind} paths have no use for --{option}: it needs --kind {' or '.join(kinds)}")
    if not 1 <= asked.trees <= 10:
        raise InputError(f"a vine of {asked.trees} trees does not do: choose from 1 to 10, 2 for most books")
    if asked.nu is not None and not 0.0 < asked.nu <= 1e6:
        raise InputError(f"{asked.nu:g} degrees of freedom are none: give a number above 0")
    if asked.jumps is not None:
        if asked.kind in ("still", "replay"):
            raise InputError(f"{asked.kind} paths leave nothing to chance: --jumps needs another --kind")
        parse_jumps(asked.jumps)
