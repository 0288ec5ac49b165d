"""An options overlay from files: the book through its storms, options chosen against them, and the same limit by holding less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.hedging.candidates import Trading
from perpbook.model.units import DAY_NS, to_iso
from perpbook.options.revalue import VolatilityRule
from perpbook.runs.drill import DrillAsked, Tell, nothing
from perpbook.runs.overlay_drill import drill_overlay, refuse_unfit
from perpbook.runs.overlay_storms import USUAL, Faced, run_storms, storms_asked

if TYPE_CHECKING:
    from perpbook.hedging.candidates import Board
    from perpbook.hedging.laying import Laying
    from perpbook.hedging.less import LossesAt
    from perpbook.hedging.overlay import Wanted
    from perpbook.model.market import Snapshot
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms

APART = 0.03
"""A chain whose spot is this far from the book's price is of another time; the answer says so."""

STALE_NS = DAY_NS
"""A chain so far from the book's moment is refused: its options have other times left, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayAsked:
    """What is asked. `drill` names book, playbook and terms; storms are those of `storms` (expressions), else every one of
    `kinds`. `limit` : the largest loss, as a share of the book's equity.
    `futures` : a drill to put the best overlay through, None for none; `ruled` : under the playbook as well."""

    drill: DrillAsked
    chain: tuple[Path, ...]
    limit: float
    trading: Trading
    storms: tuple[str, ...] = ()
    kinds: tuple[str, ...] = USUAL
    structures: tuple[str, ...] = ("puts", "spreads", "collars")
    hold_days: float = 30.0
    rule: VolatilityRule = field(default_factory=VolatilityRule)
    cover: float | None = None
    least: str = "outlay"
    at_ns: int | None = None
    lots: Mapping[str, float] | None = None
    futures: DrillAsked | None = None
    ruled: bool = False

    def __post_init__(self) -> None:
        from perpbook.hedging.structures import STRUCTURES

        if not 0.0 < self.limit < 1.0:
            raise InputError(f"a limit of {self.limit:g} does not do: it is a share of the book's equity, like 0.25")
        for one in self.structures:
            if one not in STRUCTURES:
                raise InputError(f'"{one}" is no structure: choose from {", ".join(STRUCTURES)}')
        if self.futures is not None:
            refuse_unfit(self.futures)
        if self.hold_days > self.trading.min_days:
            raise InputError(
                f"an overlay held for {self.hold_days:g} days cannot be of options that end in {self.trading.min_days:g}: raise "
                "--min-days, or lower --hold"
            )


def lay_overlay(asked: OverlayAsked, tell: Tell = nothing) -> Laying:
    """Run the storms, choose the options, and find the scale that does the same.

    Raises
    ------
    InputError : a file or an option is wrong, or no option protects the book.
    DataError : a price is missing.
    """
    from perpbook.hedging.laying import Laying, overlay_of
    from perpbook.hedging.less import hold_less
    from perpbook.hedging.overlay import choose
    from perpbook.runs.check import load_all_terms, read_inputs

    snapshot, _ = read_inputs(asked.drill.book, None, market=None, now_ns=None, terms_folders=asked.drill.terms_folders)
    terms = load_all_terms(snapshot, asked.drill.terms_folders)
    held = _exposures(snapshot, terms)
    board, notes = _board(asked, held, snapshot.book.as_of_ns, tell)
    tell("reading storms", 0, 1)
    storms = storms_asked(asked.drill, asked.storms, asked.kinds)
    faced = run_storms(asked.drill, storms, tell, held.outside)
    wanted = _wanted(asked, faced, board, held)
    chosen, less, futures = [], None, None
    if float(wanted.moments.losses.max()) > wanted.limit:
        for number, one in enumerate(asked.structures):
            tell(f"choosing {one}", number, len(asked.structures))
            chosen.append(choose(wanted, one))
        chosen.sort(key=lambda one: (one.short_by, one.outlay if asked.least == "outlay" else one.cost))
        again = _losses_at(asked.drill, {storm.name: storm for storm in storms}, faced.start, held.outside, tell)
        less = hold_less(wanted.moments, wanted.limit, again, _close_costs(snapshot, terms))
        if asked.futures is not None:
            futures = drill_overlay(asked.futures, overlay_of(wanted, chosen[0]), tell, held.outside, ruled=asked.ruled)
    return Laying(
        wanted=wanted,
        chosen=tuple(chosen),
        less=less,
        futures=futures,
        net=held.net,
        notes=(*notes, *held.left_out),
        unfaced=faced.unfaced,
    )


def _wanted(asked: OverlayAsked, faced: Faced, board: Board, held: _Held) -> Wanted:
    from perpbook.hedging.moments import moments_of
    from perpbook.hedging.overlay import Wanted

    board = {base: one for base, one in board.items() if base in faced.paths[0].factors}
    if not board:
        raise InputError("no contract of the book says how the coins of the chain move in its storms")
    longest = max(faced.paths, key=lambda one: float(one.hours[-1]))
    if float(longest.hours[-1]) > 24.0 * asked.trading.min_days:
        raise InputError(
            f"{longest.name} lasts {longest.hours[-1] / 24.0:.1f} days, and options that end in {asked.trading.min_days:g} may "
            "be looked at: raise --min-days, or choose storms with --storm or --kind"
        )
    return Wanted(
        moments=moments_of(faced.paths, list(board), faced.start),
        board=board,
        exposure={base: held.coins[base] for base in board},
        limit=asked.limit * faced.start,
        hold_days=asked.hold_days,
        rule=asked.rule,
        least=asked.least,
        cover=asked.cover,
    )


def _losses_at(
    drill: DrillAsked, storms: Mapping[str, Storm], start: float, outside: Mapping[str, float], tell: Tell
) -> LossesAt:
    """The largest loss of storms with every position at a scale."""

    def losses(scale: float, names: Sequence[str]) -> dict[str, float]:
        faced = run_storms(replace(drill, scale=scale), [storms[name] for name in names], tell, outside)
        return {path.name: start - float(path.equity.min()) for path in faced.paths}

    return losses


def _close_costs(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> Callable[[float], float]:
    """Dollars of fees and known slippage for bringing every position to a scale."""
    from perpbook.margin.arrays import book_arrays, slippage

    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    rows = arrays.positions()

    def cost(scale: float) -> float:
        fees = (1.0 - scale) * float(arrays.held.close_cost[rows].sum())
        return fees + sum(slippage(arrays.items[row], 1.0 - scale) for row in rows)

    return cost


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Coins held net by asset, those of collateral, on layers and on their way included, the price of each, and the net dollars
    of positions alone. `outside` : dollars by asset of the coins on layers and on their way; `left_out` says which of those no
    contract of the book prices in a storm."""

    coins: Mapping[str, float]
    prices: Mapping[str, float]
    net: float
    outside: Mapping[str, float]
    left_out: tuple[str, ...]


def _exposures(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> _Held:
    from perpbook.margin.arrays import book_arrays
    from perpbook.margin.assess import outside_money
    from perpbook.model.market import STABLECOINS

    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    coins: dict[str, float] = {}
    prices: dict[str, float] = {}
    for item in arrays.items:
        coins[item.asset] = coins.get(item.asset, 0.0) + item.delta
        prices[item.asset] = float(arrays.prices[item.column])
    net = sum(arrays.items[row].delta * float(arrays.prices[arrays.items[row].column]) for row in arrays.positions())
    priced = {arrays.items[row].asset for row in arrays.positions()}
    outside: dict[str, float] = {}
    left_out: list[str] = []
    for asset, dollars in outside_money(snapshot)[0].exposures.items():
        if asset in STABLECOINS or not dollars:
            continue
        if asset not in priced:
            left_out.append(
                f"${dollars:,.0f} of {asset} outside accounts are left out: the book has no contract on {asset}"
            )
            continue
        outside[asset] = dollars
        coins[asset] += dollars / prices[asset]
    return _Held(coins=coins, prices=prices, net=net, outside=outside, left_out=tuple(left_out))


def _board(asked: OverlayAsked, held: _Held, now_ns: int, tell: Tell) -> tuple[Board, tuple[str, ...]]:
    """Candidates on every coin that the book holds and the chain has, and what to say about them. Smiles are of the chain's
    moment, time to expiry is from the book's."""
    from perpbook.hedging.candidates import candidates_of
    from perpbook.runs.options import chart, read_chains

    coins = [asset for asset, amount in held.coins.items() if amount]
    board, notes = {}, []
    for base, chain in read_chains(asked.chain, coins=coins, at_ns=asked.at_ns, lots=asked.lots).items():
        if abs(chain.as_of_ns - now_ns) > STALE_NS:
            raise InputError(
                f"{chain.source} is of {to_iso(chain.as_of_ns)} and the book of {to_iso(now_ns)}, more than a day apart: give a "
                "chain of the book's day (--at chooses a moment of a table), or a book of the chain's"
            )
        tell(f"fitting {base}", 0, 1)
        board[base] = candidates_of(replace(chain, as_of_ns=now_ns), chart(chain), asked.trading)
        notes += list(chain.notes)
        apart = chain.spot / held.prices[base] - 1.0
        if abs(apart) > APART:
            notes.append(
                f"the chain's {base} is {chain.spot:,.0f} and the book's {held.prices[base]:,.0f} ({apart:+.1%}): moves are "
                "taken as shares of each, and options count by the coin, so choose a chain and a book of one time"
            )
    return board, tuple(dict.fromkeys(notes))
