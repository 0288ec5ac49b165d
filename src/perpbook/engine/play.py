"""A playbook laid out for a run: policy, survival scenarios, memory, and room for what the rules see and say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.engine.arrange import Arrangement
from perpbook.kernels.memory import Memory, empty_memory
from perpbook.kernels.screens import Storms
from perpbook.kernels.sight import Outside, Scratch
from perpbook.kernels.state import Findings, Policy, Proposals, State, empty_findings, no_proposals
from perpbook.kernels.types import Floats, Holdings
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.playbook.compile import Names, compile_policy
from perpbook.playbook.schema import RESERVE, Playbook
from perpbook.playbook.sleeves import sleeve_of_position
from perpbook.scenario.grid import Exposed, survival_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The rules of a run and their surroundings, as arrays."""

    names: Names
    policy: Policy
    memory: Memory
    storms: Storms
    outside: Outside
    state: State
    findings: Findings
    proposals: Proposals
    scratch: Scratch
    notes: tuple[str, ...]


def play(arrangement: Arrangement, book: Book, playbook: Playbook, betas: Mapping[str, float]) -> Play:
    """Lay a playbook out over a run's rows. Sleeves and wanted margin modes are written into the rows."""
    assets = tuple(dict.fromkeys(arrangement.rows[row].asset for row in arrangement.positions))
    every = arrangement.assets
    exposed = Exposed(
        betas={asset: betas.get(asset, 1.0) for asset in every},
        exposures={},
        correlation_stress=playbook.survival.correlation_stress if playbook.survival else 0.0,
    )
    scenarios = survival_grid(playbook.survival.moves, playbook.survival.kinds, exposed) if playbook.survival else ()
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    names = Names(
        accounts=tuple(account.id for account in arrangement.accounts),
        assets=every,
        venues=arrangement.venues,
        layers=arrangement.layers,
        sleeves=tuple(sleeve.name for sleeve in sleeves),
        groups=tuple(dict.fromkeys((one.kind, abs(one.size)) for one in scenarios)),
    )
    policy = compile_policy(playbook, names, scenarios)
    pull = exposed.correlation_stress
    storms = Storms(
        moves=np.array([[one.moves.get(asset, 0.0) for one in scenarios] for asset in every]).reshape(
            len(every), len(scenarios)
        ),
        broken=np.array([one.kind == "broken" for one in scenarios], dtype=np.uint8),
        pull=np.array([pull * abs(one.size) for one in scenarios], dtype=np.float64),
    )
    outside, notes = _outside(arrangement, book, names)
    _sort_into_sleeves(arrangement, playbook)
    state = _room(arrangement, names, len(scenarios), assets)
    return Play(
        names=names,
        policy=policy,
        memory=empty_memory(len(arrangement.positions)),
        storms=storms,
        outside=outside,
        state=state,
        findings=empty_findings(state, policy),
        proposals=no_proposals(state),
        scratch=_scratch(arrangement, len(scenarios)),
        notes=notes,
    )


def _outside(arrangement: Arrangement, book: Book, names: Names) -> tuple[Outside, tuple[str, ...]]:
    """Dollars on layers and in transit. Coins there have no series of their own and are left out, and said so."""
    layers, notes = np.zeros(len(names.layers)), []
    for held in book.layers:
        if held.balance.asset in STABLECOINS:
            layers[names.layers.index(held.layer)] += held.balance.amount
        else:
            notes.append(f"{held.balance.asset} on {held.layer} is left out: coins outside accounts are not modelled")
    transit = sum(one.amount for one in book.transfers if one.asset in STABLECOINS)
    reserve = names.sleeves.index(RESERVE) if RESERVE in names.sleeves else -1
    return Outside(layers=layers, transit=np.array([float(transit)]), reserve=reserve), tuple(notes)


def _sort_into_sleeves(arrangement: Arrangement, playbook: Playbook) -> None:
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    for number in arrangement.positions:
        row = arrangement.rows[number]
        venue = arrangement.accounts[row.account].venue
        sleeve = sleeve_of_position(playbook, venue, row.symbol, row.tags)
        arrangement.slots.sleeve[number] = sleeve
        if sleeve >= 0 and playbook.margin is not None:
            name = sleeves[sleeve].name
            arrangement.slots.wanted[number] = (
                1 if name in playbook.margin.isolated else 2 if name in playbook.margin.cross else 0
            )


def _room(arrangement: Arrangement, names: Names, scenarios: int, assets: tuple[str, ...]) -> State:
    """A `State` to be filled in place at every look."""
    slots, rows = arrangement.slots, np.array(arrangement.positions, dtype=np.int64)
    positions, accounts = rows.size, len(arrangement.accounts)

    def real(count: int) -> Floats:
        return np.zeros(count)

    return State(
        position_account=slots.account[rows],
        position_asset=slots.asset[rows],
        position_notional=real(positions),
        position_exposure=real(positions),
        position_loss=real(positions),
        position_depth=np.full(positions, np.nan),
        position_isolated=slots.isolated[rows],
        position_wanted=np.zeros(positions, dtype=np.int64),
        account_equity=real(accounts),
        account_dead=np.zeros(accounts, dtype=np.uint8),
        account_coins=real(accounts),
        account_effective=real(accounts),
        asset_notional=real(len(names.assets)),
        stress_equity=np.zeros((accounts, scenarios)),
        stress_maintenance=np.zeros((accounts, scenarios)),
        safe_scale=np.ones(accounts),
        calm_scale=np.ones(accounts),
        book_calm_scale=np.ones(accounts),
        venue_equity=real(len(names.venues)),
        layer_value=real(len(names.layers)),
        sleeve_capital=real(len(names.sleeves)),
        book_equity=real(1),
        book_coins=real(1),
        book_effective=real(1),
        now_ns=np.zeros(1, dtype=np.int64),
        position_value=real(positions),
        position_venue=slots.venue[rows],
        position_gain=real(positions),
        position_target=np.full(positions, np.nan),
        position_cost=real(positions),
        position_funding=real(positions),
        rebalance_due=np.zeros(1, dtype=np.uint8),
    )


def _scratch(arrangement: Arrangement, scenarios: int) -> Scratch:
    rows, accounts = len(arrangement.rows), len(arrangement.accounts)
    columns = int(max((row.column for row in arrangement.rows), default=0)) + 1
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
        stormy=real(columns, scenarios),
        moves=real(accounts, 2),
        exposures=real(len(arrangement.assets)),
        held=held,
    )
