"""What every place should hold, what is short there, and what could go from it.

An account needs as much that it keeps its margin, with a buffer, until money comes over the second-best way; a layer as much as
the margins of the accounts it feeds may lose until the layer itself can be refilled; a gas tank as much as bringing everything
away may cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.model.account import Account, MarginMode
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.treasury.bands import Band, Flow, band_of
from perpbook.treasury.flights import Forecast, arriving_within
from perpbook.treasury.gas_tank import Tank
from perpbook.treasury.holdings import Holding, Holdings
from perpbook.treasury.lead import Lead, coins_taken, feeding_layer, lead_to_account, lead_to_layer
from perpbook.treasury.rescue import Treasury
from perpbook.treasury.route_table import way_row
from perpbook.treasury.standing import Standing
from perpbook.treasury.task import Need, Spare
from perpbook.treasury.ways import Traffic

if TYPE_CHECKING:
    from perpbook.treasury.swings import Swings

SURVIVAL, ISOLATED, TANK, RESERVE, COMFORT = 10.0, 4.0, 5.0, 1.0, 0.1
"""Weights of a missing dollar: an account's margin, an isolated one's, gas to act with, reserves, and filling up to the band."""

SOONEST_SECONDS = 60.0
"""No deadline is put earlier than this."""

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What needs are reckoned from. swings : None without a past. reserves : dollars by layer that the playbook keeps.
    confidence : of margin; promised : of arrivals. holding : dollars a day that an idle dollar costs. transfer : dollars that a
    transfer costs beside its known fees and gas."""

    snapshot: Snapshot
    treasury: Treasury
    standing: Standing
    holdings: Holdings
    forecasts: tuple[Forecast, ...] = ()
    swings: Swings | None = None
    reserves: Mapping[str, float] = field(default_factory=dict)
    tanks: tuple[Tank, ...] = ()
    confidence: float = 0.99
    promised: float = 0.95
    holding: float
    transfer: float = 0.0

    def cost(self, lead: Lead) -> tuple[float, tuple[str, ...]]:
        """Dollars that one transfer costs whatever the amount (what is known of its fees and gas, and `transfer`), and what of it
        nobody knows."""
        if lead.first is None:
            return self.transfer, ()
        traffic = Traffic(conditions=self.treasury.conditions, chance=self.treasury.chance)
        row = way_row(self.treasury.facts, traffic, lead.first.way, self.snapshot.market.asset_prices, "")
        lacking = [*row.unknown, *(["its gas"] if row.gas is None else [])]
        return self.transfer + row.dollars + (row.gas or 0.0), tuple(lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One place: dollars it `has` with what comes in time, its band, how long until money comes, by when what is short must be
    there (seconds), and why. kind : "account", "layer" or "gas". assets : coins that it is counted and refilled in. unknown :
    what nobody knows of the cost of a transfer, on which the band rests."""

    place: str
    kind: str
    assets: tuple[str, ...]
    has: float
    band: Band
    lead: Lead
    seconds: float
    why: str
    weight: float
    critical: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def short(self) -> float:
        """Dollars below the least."""
        return max(self.band.least - self.has, 0.0)

    @property
    def over(self) -> float:
        """Dollars above the band, down to where it is brought back to."""
        return self.has - self.band.back if self.has > self.band.most else 0.0


def levels_of(view: View) -> tuple[Level, ...]:
    """Every place that something is kept in: accounts with positions, layers that feed them or that the playbook names, gas
    tanks. Without swings, accounts and layers that the playbook does not name are left out."""
    return (*_accounts(view), *_layers(view), *_tanks(view))


def needs_of(levels: Sequence[Level]) -> tuple[Need, ...]:
    """What is short: each place up to its least, and what fills it up then."""
    out = []
    for one in levels:
        if one.short <= 0.0:
            continue
        need = Need(
            place=one.place, dollars=one.short, seconds=one.seconds, why=one.why, assets=one.assets, critical=one.critical,
            weight=one.weight,
        )  # fmt: skip
        out.append(need)
        if (more := one.band.refill - one.band.least) > 0.0:
            out.append(replace(need, dollars=more, why="to fill it up", critical=False, weight=COMFORT))
    return tuple(out)


def spares_of(holdings: Holdings, levels: Sequence[Level]) -> tuple[Spare, ...]:
    """What could go, dollars first; nothing while anything is unread."""
    if not holdings.may_start:
        return ()
    out = []
    for place in dict.fromkeys(one.place for one in holdings.holdings.values()):
        mine = [one for one in levels if one.place == place]
        held = [one for one in holdings.holdings.values() if one.place == place]
        for one, dollars, why in _loose(held, mine):
            if dollars > 0.0:
                out.append(
                    Spare(
                        place=place, asset=one.asset, dollars=dollars, kept=one.actual - one.leaving - dollars, why=why
                    )
                )
    return tuple(out)


def _loose(held: Sequence[Holding], levels: Sequence[Level]) -> Iterator[tuple[Holding, float, str]]:
    """(holding, dollars that may go, why) of one place."""
    tank = next((one for one in levels if one.kind == "gas"), None)
    level = next((one for one in levels if one.kind != "gas"), None)
    if level is None and any(one.posted > 0.0 for one in held):
        return  # Nobody has reckoned what its positions may ask for.
    left = np.inf if level is None else max(level.has - level.band.least, 0.0)
    for one in sorted(held, key=lambda one: (one.asset not in STABLECOINS, one.asset)):
        if tank is not None and one.asset in tank.assets:
            able = min(one.free + one.gas - one.leaving, tank.has - tank.band.refill)
            yield one, max(able, 0.0), "more than the tank takes"
            continue
        if level is not None and level.kind == "account" and one.asset not in STABLECOINS:
            continue  # Taking it away would change what the account gains and loses by its price.
        counted = level is None or level.kind == "account" or one.asset in level.assets
        able = max(one.free - one.leaving, 0.0)
        dollars = float(min(able, left)) if counted else able
        left = left - dollars if counted else left
        yield one, dollars, _why_loose(level)


def _why_loose(level: Level | None) -> str:
    if level is None:
        return "nothing needs it here"
    return "more than its band" if level.over > 0.0 else "above the least it keeps"


def _accounts(view: View) -> Iterator[Level]:
    if view.swings is None:
        return
    for number, account in enumerate(view.snapshot.book.accounts):
        if account.positions:
            yield _account(view, view.swings, number, account)


def _account(view: View, swings: Swings, number: int, account: Account) -> Level:
    lead = lead_to_account(view.treasury, account, view.promised)
    lacking = float(swings.lacking(view.confidence, lead.seconds)[number])
    lasts = max(swings.lasts(number, view.confidence), SOONEST_SECONDS)
    equity, cross = float(view.standing.equity[number]), account.mode is MarginMode.CROSS
    leaving = sum(one.leaving for one in view.holdings.holdings.values() if one.place == account.id)
    flow, often = flow_of(view, swings, [number], lead), _often(view)
    return Level(
        place=account.id, kind="account", assets=coins_taken(view.treasury, account, view.treasury.facts),
        has=equity + arriving_within(view.forecasts, account.id, min(lasts, lead.seconds)) - leaving,
        band=band_of(max(equity + lacking, 0.0), flow), lead=lead, seconds=min(lasts, lead.seconds),
        why=f"to keep its margin {often} until money comes", weight=SURVIVAL if cross else ISOLATED,
        critical=cross, unknown=view.cost(lead)[1],
    )  # fmt: skip


def _often(view: View) -> str:
    return f"{100.0 * view.confidence:.4g} times in 100"


def flow_of(view: View, swings: Swings, accounts: Sequence[int], lead: Lead) -> Flow:
    """What goes through a place that feeds some accounts in a day, were each kept at today's margin: losses out, gains back."""
    daily = swings.day_flow[:, list(accounts)]
    return Flow(
        outflow=float(np.maximum(-daily, 0.0).sum(axis=1).mean()),
        variance=float(daily.sum(axis=1).var()),
        fixed=view.cost(lead)[0],
        least=lead.least,
        holding=view.holding,
    )


def _layers(view: View) -> Iterator[Level]:
    fed: dict[str, list[int]] = {layer: [] for layer in view.reserves}
    coins: dict[str, list[str]] = {layer: [] for layer in view.reserves}
    for number, account in enumerate(view.snapshot.book.accounts):
        if not account.positions or account.mode is not MarginMode.CROSS:
            continue
        layer, assets = feeding_layer(view.treasury, account, _candidates(view))
        if layer:
            fed.setdefault(layer, []).append(number)
            coins[layer] = [*coins.get(layer, []), *assets]
    for layer, numbers in fed.items():
        if view.swings is not None or layer in view.reserves:
            taken = tuple(dict.fromkeys(one for one in coins[layer] if one in STABLECOINS))
            yield _layer(view, layer, numbers, taken or tuple(sorted(STABLECOINS)))


def _candidates(view: View) -> list[str]:
    """Layers that dollars stand on or go to, and those that the playbook keeps some on."""
    held = [
        one.place
        for one in view.holdings.holdings.values()
        if one.asset in STABLECOINS and one.place in view.treasury.facts.layers and one.virtual > 0.0
    ]
    return list(dict.fromkeys([*view.reserves, *held]))


def _layer(view: View, layer: str, fed: Sequence[int], assets: tuple[str, ...]) -> Level:
    lead = lead_to_layer(view.treasury, layer, assets, view.promised)
    names = ", ".join(view.snapshot.book.accounts[number].id for number in fed)
    flow, reserve = Flow(holding=view.holding, fixed=view.cost(lead)[0], least=lead.least), view.reserves.get(layer)
    why = "the playbook keeps it there" + (f", from where {names} can be fed" if names else "")
    if view.swings is not None:
        flow = flow_of(view, view.swings, fed, lead)
    if reserve is None:
        assert view.swings is not None
        drained = view.swings.drained(lead.seconds)[:, list(fed)].sum(axis=1)
        reserve = float(np.quantile(drained, view.confidence, method="higher"))
        why = f"what the margins of {names} lose at most, {_often(view)}, until it can be refilled"
    held = [one for one in view.holdings.holdings.values() if one.place == layer and one.asset in assets]
    return Level(
        place=layer, kind="layer", assets=assets, has=sum(one.virtual for one in held), band=band_of(reserve, flow),
        lead=lead, seconds=lead.seconds, why=why, weight=RESERVE, unknown=view.cost(lead)[1],
    )  # fmt: skip


def _tanks(view: View) -> Iterator[Level]:
    for one in view.tanks:
        held = view.holdings.holdings.get((one.layer, one.asset), Holding(place=one.layer, asset=one.asset))
        lead = lead_to_layer(view.treasury, one.layer, (one.asset,), view.promised)
        most = one.full + 2.0 * (one.full - one.least)
        band = Band(least=one.least, refill=one.full, back=one.full, most=most)
        yield Level(
            place=one.layer, kind="gas", assets=(one.asset,), has=held.virtual, band=band, lead=lead,
            seconds=min(max(lead.seconds, SOONEST_SECONDS), DAY_SECONDS), why=one.why, weight=TANK,
        )  # fmt: skip
