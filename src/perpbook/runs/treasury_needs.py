"""`treasury needs`: what every place should hold, what is short, what could go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from perpbook.errors import InputError, MissingData
from perpbook.model.units import HOUR_NS, SECOND_NS, to_iso
from perpbook.runs.treasury_state import State, StateAsked, state_of

if TYPE_CHECKING:
    from perpbook.model.bars import Bars
    from perpbook.treasury.swings import Pool, Swings
    from perpbook.treasury.told import Wanted

Kept = TypeVar("Kept", float, str)

BUFFER = 0.25
"""Of maintenance margin, what must be left over where neither the trader nor the playbook says."""

MOST_NUMBERS = 100_000_000
"""Draws times bars times accounts: 0.8 GB of them."""

LEAST_BEYOND = 10
"""Draws that must lie beyond a quantile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsAsked:
    """How needs are reckoned. lake None: no past. confidence : of margin; promised : of arrivals. buffer None: the playbook's, or
    `BUFFER`. opportunity : what a dollar that lies idle costs a year, a fraction. transfer_cost : dollars that each transfer
    costs beside what is known. like : asset = asset whose past stands in. gas_since_ns, gas_until_ns :
    the window of the lake whose base fees take the place of the facts'; None for both: the facts'."""

    state: StateAsked
    lake: Path | None = None
    made_up: bool = False
    venue: str = "binance"
    bar_ns: int = HOUR_NS
    like: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.99
    promised: float = 0.95
    buffer: float | None = None
    opportunity: float = 0.10
    transfer_cost: float = 0.0
    draws: int = 2_000
    gas_since_ns: int | None = None
    gas_until_ns: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("--confidence", self.confidence), ("--promised", self.promised)):
            if not 0.5 <= value < 1.0:
                raise InputError(f"{name} {value:g} does not do: give 0.5 to below 1, such as 0.99")
        if (1.0 - self.confidence) * self.draws < LEAST_BEYOND:
            least = round(LEAST_BEYOND / (1.0 - self.confidence))
            raise InputError(
                f"{self.draws} draws are too few for a confidence of {self.confidence:g}: --draws {least} at least"
            )
        if self.draws > 100_000:
            raise InputError(f"{self.draws} draws are too many: 100,000 at most")
        if self.buffer is not None and not 0.0 <= self.buffer <= 10.0:
            raise InputError(f"--buffer {self.buffer:g} does not do: give a share of maintenance margin, such as 0.25")
        if not 0.0 <= self.transfer_cost <= 1e6:
            raise InputError(f"--transfer-cost {self.transfer_cost:g} does not do: give dollars, 0 or more")
        if not 0.0 < self.opportunity <= 10.0:
            raise InputError(f"--opportunity {self.opportunity:g} does not do: give a year's rate, such as 0.1")


def run_needs(asked: NeedsAsked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> Wanted:
    """Read the book and find its needs.

    Raises
    ------
    InputError : a file, the storm or an option is wrong, too little history.
    DataError : a price is missing or stale, or there is no past to reckon with and the playbook gives no reserves; the lake has
    no gas in the window.
    """
    return wanted_of(_with_gas(state_of(asked.state, now_ns=now_ns, terms_folders=terms_folders), asked), asked)


def _with_gas(state: State, asked: NeedsAsked) -> State:
    """The state with the base fees of the lake's window, said of which layers, where one is asked for."""
    from dataclasses import replace

    from perpbook.runs.gas_history import with_lake_gas

    if asked.lake is None or (asked.gas_since_ns is None and asked.gas_until_ns is None):
        return state
    old = state.treasury.facts
    facts = with_lake_gas(old, asked.lake, asked.gas_since_ns, asked.gas_until_ns)
    told = (
        f"base fees on {layer.name} are those of {layer.gas.window}"
        for layer in facts.layers.values()
        if layer.gas is not None and layer.gas != old.layers[layer.id].gas
    )
    return replace(state, treasury=replace(state.treasury, facts=facts), notes=(*state.notes, *told))


def wanted_of(state: State, asked: NeedsAsked) -> Wanted:
    """The needs of a book that is read; errors as `run_needs`."""
    from perpbook.treasury.gas_tank import tanks_of
    from perpbook.treasury.needs import View, levels_of, needs_of, spares_of
    from perpbook.treasury.told import Wanted

    snapshot, facts, playbook = state.snapshot, state.treasury.facts, state.playbook
    reserves = _by_layer(playbook.layers.reserves if playbook.layers else None, state, "reserves")
    coins = _by_layer(playbook.layers.gas if playbook.layers else None, state, "gas")
    tokens = _by_layer(playbook.layers.gas_coins if playbook.layers else None, state, "gas_coins")
    buffer = asked.buffer
    if buffer is None:
        buffer = (playbook.survival.buffer if playbook.survival else 0.0) or BUFFER
    pool, told = pool_for(state, asked, needed=not reserves)
    tanks, lacking = tanks_of(snapshot.book, snapshot.market, facts, state.holdings, coins, tokens)
    view = View(
        snapshot=snapshot, treasury=state.treasury, standing=state.standing, holdings=state.holdings,
        forecasts=state.forecasts, swings=_swings(state, pool, asked, buffer) if pool else None, reserves=reserves,
        tanks=tanks, confidence=asked.confidence, promised=asked.promised, holding=asked.opportunity / 365.0,
        transfer=asked.transfer_cost,
    )  # fmt: skip
    levels = levels_of(view)
    return Wanted(
        view=view, levels=levels, needs=needs_of(levels), spares=spares_of(state.holdings, levels),
        past=pool.source if pool else "", simulated=snapshot.market.simulated or bool(pool and pool.simulated),
        buffer=buffer, notes=tuple(dict.fromkeys((*state.notes, *told, *(pool.notes if pool else ()), *lacking))),
    )  # fmt: skip


def _by_layer(found: Mapping[str, Kept] | None, state: State, key: str) -> dict[str, Kept]:
    """A table of the playbook's [layers] by layer id.

    Raises
    ------
    InputError : it names a layer that nothing is known of.
    """
    from perpbook.scenario.table_reader import nearest

    facts, out = state.treasury.facts, dict[str, Kept]()
    for name, amount in (found or {}).items():
        layer = facts.layer_id(name)
        if layer is None:
            raise InputError(
                f'[layers] {key} names "{name}", no layer that is known: {nearest(name, tuple(facts.layers))}'
            )
        out[layer] = amount
    return out


def steps_of(asked: NeedsAsked, accounts: int) -> int:
    """Bars as far as the longest lead can be.

    Raises
    ------
    InputError : too many to hold.
    """
    import math

    from perpbook.treasury.lead import LONGEST_SECONDS

    steps = max(1, math.ceil(LONGEST_SECONDS * SECOND_NS / asked.bar_ns))
    if asked.draws * steps * accounts > MOST_NUMBERS:
        told = f"{asked.draws:,} draws of {steps:,} bars are too many for this book"
        raise InputError(f"{told}: choose a wider --bar or fewer --draws")
    return steps


def _swings(state: State, pool: Pool, asked: NeedsAsked, buffer: float) -> Swings:
    import numpy as np

    from perpbook.treasury.swings import block_rows, swings_of

    steps = steps_of(asked, state.standing.equity.size)
    chance = np.random.Generator(np.random.SFC64(np.random.SeedSequence(asked.state.seed).spawn(1)[0]))
    rows = block_rows(pool.moves.shape[0], pool.block, asked.draws, steps, chance)
    return swings_of(state.standing, pool, buffer, rows)


def pool_for(state: State, asked: NeedsAsked, *, needed: bool) -> tuple[Pool | None, tuple[str, ...]]:
    """The joint past of every asset that margins depend on, None where there is none and the playbook's own figures do.

    Raises
    ------
    MissingData : there is no past, and it is needed.
    """
    assets = tuple(dict.fromkeys(one.asset for one in state.standing.arrays.columns))
    if not assets:
        return None, ()
    steps_of(asked, state.standing.equity.size)
    if asked.made_up:
        return pool_from(_made_up(state, asked), assets), ()
    if asked.lake is not None and asked.lake.is_dir():
        return _of_lake(asked, assets), ()
    if needed:
        raise MissingData(
            f"what margins may lose is reckoned from past prices, and there is no lake at {asked.lake}: get prices with "
            "`perpbook data pull` or `data import`, write [layers] reserves into the playbook, or try with --made-up"
        )
    return None, ("without a lake reserves are the playbook's alone: what accounts need is not reckoned",)


def _made_up(state: State, asked: NeedsAsked) -> Bars:
    from dataclasses import replace

    from perpbook.engine.stage import contracts_of
    from perpbook.model.bars import SeriesKey
    from perpbook.runs.made_up import made_up_past
    from perpbook.terms.find import find_contract

    contracts = contracts_of(state.snapshot, state.terms)
    bars = made_up_past(state.terms, contracts, bar_ns=asked.bar_ns, seed=asked.state.seed)
    names = [find_contract(state.terms[key.venue], key.symbol).contract.base for key in contracts]
    return replace(
        bars, series=tuple(SeriesKey(venue=key.venue, symbol=name) for key, name in zip(contracts, names, strict=True))
    )


def _of_lake(asked: NeedsAsked, assets: Sequence[str]) -> Pool:
    from dataclasses import replace

    from perpbook.model.bars import SeriesKey
    from perpbook.runs.hedge_past import PastAsked, bars_of

    assert asked.lake is not None
    names = {asset: asked.like.get(asset, asset) for asset in assets}
    for asset, other in asked.like.items():
        if asset not in names:
            raise InputError(f"--like {asset}={other}: {asset} is not among {', '.join(assets)}")
    sources = tuple(dict.fromkeys(names.values()))
    bars = bars_of(PastAsked(lake=asked.lake, venue=asked.venue, bar_ns=asked.bar_ns), sources)
    named = replace(bars, series=tuple(SeriesKey(venue=asked.venue, symbol=one) for one in sources))
    told = tuple(f"{other}'s past stands in for {asset}'s" for asset, other in asked.like.items())
    pool = pool_from(named, tuple(names.values()))
    return replace(pool, assets=tuple(assets), notes=(*told, *pool.notes))


def pool_from(bars: Bars, assets: Sequence[str]) -> Pool:
    """The rows in which every series has a bar; a series is called by its asset."""
    import numpy as np

    from perpbook.scenario.sources import default_block, pool_of
    from perpbook.treasury.swings import Pool

    every, names = pool_of(bars), [key.symbol for key in bars.series]
    known = [asset for asset in assets if asset in names]
    moves = np.ascontiguousarray(every[[names.index(asset) for asset in known]].transpose(1, 0, 2)[..., :3])
    lost = [asset for asset in assets if asset not in names]
    span = f"{to_iso(int(bars.open_ns[0]))} to {to_iso(int(bars.open_ns[-1]) + bars.bar_ns)}"
    return Pool(
        assets=tuple(known), moves=moves, step_seconds=bars.bar_ns / SECOND_NS,
        block=default_block(moves.shape[0], bars.bar_ns), source=f"{bars.source}, {span}", simulated=bars.simulated,
        notes=(*_of_prices(bars.notes), *(f"{asset} is taken to stand still: it has no past" for asset in lost)),
    )  # fmt: skip


def _of_prices(notes: Sequence[str]) -> tuple[str, ...]:
    """Without what is said of funding, which is left out here on purpose, and by an option that others have."""
    return tuple(note for note in notes if "--funding" not in note)
