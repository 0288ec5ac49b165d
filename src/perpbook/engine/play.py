"""A playbook laid out for a run: policy, survival scenarios, memory, and room for what the rules see and say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.engine.arrange import Arrangement, beta_of
from perpbook.kernels.body import Mind
from perpbook.kernels.memory import empty_memory
from perpbook.kernels.screens import FLOOR, Rules, Storms
from perpbook.kernels.sight import Outside, Scratch
from perpbook.kernels.state import State, empty_findings, empty_state, no_proposals
from perpbook.kernels.types import Floats, Holdings, Integers
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.model.scenario import Scenario
from perpbook.playbook.compile import Names, compile_policy, gas_coins, layers_wanted
from perpbook.playbook.schema import RESERVE, Playbook
from perpbook.playbook.sleeves import sleeve_of_position
from perpbook.scenario.grid import Exposed, survival_grid
from perpbook.treasury.ground import ground_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The rules of a run and their surroundings, as arrays."""

    names: Names
    scenarios: tuple[Scenario, ...]
    mind: Mind
    outside: Outside
    notes: tuple[str, ...]


def play(arrangement: Arrangement, book: Book, playbook: Playbook, betas: Mapping[str, float], columns: int) -> Play:
    """Lay a playbook out over a run's rows; `columns` is how many series it has.

    Sleeves and wanted margin modes are written into the rows.
    """
    every = arrangement.assets
    exposed = Exposed(
        betas={asset: beta_of(asset, betas) for asset in every if asset not in STABLECOINS},
        exposures={},
        correlation_stress=playbook.survival.correlation_stress if playbook.survival else 0.0,
    )
    scenarios = survival_grid(playbook.survival.moves, playbook.survival.kinds, exposed) if playbook.survival else ()
    names = _names(arrangement, book, playbook, scenarios)
    policy = compile_policy(playbook, names, scenarios)
    pull = exposed.correlation_stress
    storms = Storms(
        moves=np.array([[_move(one, asset, exposed) for one in scenarios] for asset in every]).reshape(
            len(every), len(scenarios)
        ),
        broken=np.array([one.kind == "broken" for one in scenarios], dtype=np.uint8),
        pull=np.array([pull * abs(one.size) for one in scenarios], dtype=np.float64),
        outermost=outermost(scenarios),
        widest=widest(scenarios, every, pull),
        asset=_asset_of_column(arrangement, columns),
    )
    outside, notes = _outside(arrangement, book, names)
    _sort_into_sleeves(arrangement, playbook)
    state = _room(arrangement, names, len(scenarios))
    return Play(
        names=names,
        scenarios=tuple(scenarios),
        mind=Mind(
            rules=Rules(policy=policy, memory=empty_memory(len(arrangement.positions)), storms=storms),
            state=state,
            findings=empty_findings(state, policy),
            proposals=no_proposals(state),
            scratch=_scratch(arrangement, columns, len(scenarios)),
        ),
        outside=outside,
        notes=notes,
    )


def _names(arrangement: Arrangement, book: Book, playbook: Playbook, scenarios: Sequence[Scenario]) -> Names:
    """What a run's numbers stand for; bridges and stablecoins are not told apart in one."""
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    layers = tuple(dict.fromkeys([*arrangement.layers, *layers_wanted(playbook)]))
    return Names(
        accounts=tuple(account.id for account in arrangement.accounts),
        assets=arrangement.assets,
        venues=arrangement.venues,
        layers=layers,
        sleeves=tuple(sleeve.name for sleeve in sleeves),
        groups=tuple(dict.fromkeys((one.kind, abs(one.size)) for one in scenarios)),
        gas=gas_coins(playbook, layers, ground_for(playbook, book.layer_names)),
    )


def _asset_of_column(arrangement: Arrangement, columns: int) -> Integers:
    """(C,) the asset that each price column is of; 0 where no row reads it."""
    out = np.zeros(columns, dtype=np.int64)
    out[arrangement.slots.column] = arrangement.slots.rows["asset"]
    return out


def _move(scenario: Scenario, asset: str, exposed: Exposed) -> float:
    """How far a scenario moves an asset; before the pull, and its floor, where hedges break."""
    if scenario.kind == "broken":
        return (1.0 - exposed.correlation_stress) * exposed.betas.get(asset, 0.0) * scenario.size
    return scenario.moves.get(asset, 0.0)


def widest(scenarios: Sequence[Scenario], assets: Sequence[str], pull: float) -> Floats:
    """(assets, 2) the lowest and highest price ratio of each asset in any scenario, and 1."""
    out = np.ones((len(assets), 2))
    for one in scenarios:
        for number, asset in enumerate(assets):
            if asset not in one.moves:
                continue
            move, more = one.moves[asset], pull * abs(one.size) if one.kind == "broken" else 0.0
            out[number, 0] = min(out[number, 0], 1.0 + max(move - more, FLOOR))
            out[number, 1] = max(out[number, 1], 1.0 + max(move + more, FLOOR))
    return out


def outermost(scenarios: Sequence[Scenario]) -> Integers:
    """Numbers of the scenarios that no other of their kind, side and moving assets goes beyond.

    Where a floor bends the way there (a beta that takes a price to nothing) every one is kept.
    """
    farthest: dict[tuple[object, ...], int] = {}
    kept = []
    for number, one in enumerate(scenarios):
        if any(move <= FLOOR for move in one.moves.values()):
            kept.append(number)
            continue
        way = (one.kind, one.size > 0, tuple(sorted(asset for asset, move in one.moves.items() if move != 0.0)))
        if way not in farthest or abs(one.size) > abs(scenarios[farthest[way]].size):
            farthest[way] = number
    return np.array(sorted([*kept, *farthest.values()]), dtype=np.int64)


def _outside(arrangement: Arrangement, book: Book, names: Names) -> tuple[Outside, tuple[str, ...]]:
    """Dollars on layers and in transit. Coins there have no series of their own and are left out, and said so."""
    layers, besides = np.zeros(len(names.layers)), np.zeros(len(names.layers))
    gas = np.array([0.0 if coin else np.nan for coin in names.gas], dtype=np.float64)
    for held in book.layers:
        number, coin = names.layers.index(held.layer), held.balance.asset
        if coin in STABLECOINS:
            layers[number] += held.balance.amount
            besides[number] -= held.bound
        if coin == names.gas[number] and held.gas is not False:
            gas[number] += held.balance.amount - held.locked
    for one in book.transfers:
        if one.destination in names.layers and not one.stuck:
            number = names.layers.index(one.destination)
            besides[number] += one.amount if one.asset in STABLECOINS else 0.0
            gas[number] += one.amount if one.asset == names.gas[number] else 0.0
    transit = sum(one.amount for one in book.transfers if one.asset in STABLECOINS)
    reserve = names.sleeves.index(RESERVE) if RESERVE in names.sleeves else -1
    outside = Outside(
        layers=layers,
        transit=np.array([float(transit)]),
        reserve=reserve,
        besides=besides,
        gas=gas,
        told=np.zeros((2, layers.size), dtype=np.int64),
    )
    return outside, coins_left_out(book)


def coins_left_out(book: Book) -> tuple[str, ...]:
    """What a run's equity leaves out, in words."""
    return tuple(
        f"{held.balance.amount:g} {held.balance.asset} on {held.layer} are left out of equity: coins outside accounts have no "
        "price in a run"
        for held in book.layers
        if held.balance.asset not in STABLECOINS and held.balance.amount
    )


def _sort_into_sleeves(arrangement: Arrangement, playbook: Playbook) -> None:
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    for number in arrangement.positions:
        row = arrangement.rows[number]
        venue = arrangement.accounts[row.account].venue
        sleeve = sleeve_of_position(playbook, venue, row.symbol, row.tags)
        arrangement.slots.rows[number].sleeve = sleeve
        if sleeve >= 0 and playbook.margin is not None:
            name = sleeves[sleeve].name
            arrangement.slots.rows[number].wanted = (
                1 if name in playbook.margin.isolated else 2 if name in playbook.margin.cross else 0
            )


def _room(arrangement: Arrangement, names: Names, scenarios: int) -> State:
    """A `State` to be filled in place at every look."""
    slots, rows = arrangement.slots, arrangement.slots.positions
    counts = (len(names.assets), len(names.venues), len(names.layers), len(names.sleeves))
    state = empty_state(rows.size, len(arrangement.accounts), scenarios, counts)
    for name in ("account", "asset", "venue", "isolated"):
        state.positions[name] = slots.rows[name][rows]
    return state


def _scratch(arrangement: Arrangement, columns: int, scenarios: int) -> Scratch:
    rows, accounts = len(arrangement.rows), len(arrangement.accounts)
    tiers = arrangement.holding.lines.slope.shape[1]

    def real(*shape: int) -> Floats:
        return np.zeros(shape)

    held = Holdings(
        start=arrangement.slots.start,
        column=arrangement.slots.column,
        price=real(rows),
        delta=real(rows),
        rate=real(rows, tiers),
        deduction=real(rows, tiers),
        pieces=np.zeros(rows, dtype=np.int64),
        notional_slope=real(rows),
        notional_offset=real(rows),
        in_coin=np.zeros(rows, dtype=np.uint8),
        curve_slope=real(rows),
        curve_reciprocal=real(rows),
        close_cost=real(rows),
        scalable=np.zeros(rows, dtype=np.uint8),
        cash=real(accounts),
    )
    return Scratch(
        prices=real(columns),
        way=real(columns),
        stormy=real(columns, scenarios),
        exposures=real(len(arrangement.assets)),
        held=held,
        safe=np.zeros(accounts, dtype=np.int64),
    )
