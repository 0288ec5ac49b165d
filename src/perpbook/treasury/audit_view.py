"""A book as an audit looks at it: how it stands, where its money is, every way to every account, how long each account lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.scenario.table_reader import nearest
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.endurance import Endurance, Sigmas, endurances
from perpbook.treasury.facts import Facts
from perpbook.treasury.failures import Kind, Single
from perpbook.treasury.law import drawn_by
from perpbook.treasury.pots import pots_of, price_of
from perpbook.treasury.rescue import Treasury, ways_for
from perpbook.treasury.standing import Standing, standing_of
from perpbook.treasury.ways import Chance, Traffic, Way

PROMISED = 0.95
"""The share of draws in which money has arrived by the time that is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How money gets to one account. late : the chance that it is liquidated first, None where that is not known. way : None
    where nothing reaches it (`reason`). typical, promised : seconds, inf for never."""

    account: str
    late: float | None
    way: Way | None
    typical: float = np.inf
    promised: float = np.inf
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`ways` by account, and why it has none; `lives` by account that holds a position; `traffic` before anything fails. drawn,
    fronts : kept, see `arrivals` and `front_of`; they hang on the ways alone."""

    snapshot: Snapshot
    facts: Facts
    terms: Mapping[str, VenueTerms]
    standing: Standing
    ways: Mapping[str, Sequence[Way]]
    reasons: Mapping[str, str]
    lives: Mapping[str, Endurance]
    traffic: Traffic
    notes: tuple[str, ...] = ()
    drawn: dict[str, list[tuple[Way, Floats]]] = field(default_factory=dict)
    fronts: dict[tuple[str, str], list[tuple[Way, Floats]]] = field(default_factory=dict)

    @property
    def equity(self) -> dict[str, float]:
        """Dollars by account."""
        return {one.id: float(self.standing.equity[k]) for k, one in enumerate(self.standing.arrays.accounts)}

    def account(self, name: str) -> Account:
        """The account of that name."""
        return next(one for one in self.snapshot.book.accounts if one.id == name)

    def arrivals(self, account: str) -> list[tuple[Way, Floats]]:
        """Every way to an account with its arrivals in calm, seconds in rising order; the soonest way first."""
        if account not in self.drawn:
            found = [(way, np.sort(self.traffic.arrivals(way))) for way in self.ways[account]]
            self.drawn[account] = sorted(found, key=lambda one: (*points_of(one[1]), one[0].words))
        return self.drawn[account]

    def promised(self, way: Way) -> float:
        """Seconds by which money over a way has arrived as promised, if nothing fails."""
        return drawn_by(self.traffic.arrivals(way), PROMISED)

    def outside(self) -> dict[tuple[str, str], float]:
        """Dollars on layers by (layer, coin); a coin without a price counts nothing."""
        out: dict[tuple[str, str], float] = {}
        for one in self.snapshot.book.layers:
            key = (one.layer, one.balance.asset)
            price = price_of(one.balance.asset, self.snapshot.market.asset_prices) or 0.0
            out[key] = out.get(key, 0.0) + one.balance.amount * price
        return out

    def deltas(self) -> dict[str, dict[str, float]]:
        """Dollars gained by a relative rise of each asset, by account or layer that holds it; stablecoins left out."""
        out: dict[str, dict[str, float]] = {}
        arrays = self.standing.arrays
        held = [
            (arrays.accounts[i.account].id, i.asset, i.delta * float(arrays.prices[i.column])) for i in arrays.items
        ]
        held += [(layer, asset, dollars) for (layer, asset), dollars in self.outside().items()]
        for place, asset, dollars in held:
            if asset not in STABLECOINS:
                by = out.setdefault(asset, {})
                by[place] = by.get(place, 0.0) + dollars
        return out


def view_of(
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    facts: Facts,
    chance: Chance,
    sigmas: Sigmas,
    now: Conditions | None = None,
) -> View:
    """The book as it stands. now : what is away before anything fails; None for calm. Errors as `margin.assess.assess`."""
    standing = standing_of(snapshot, terms)
    pots = pots_of(snapshot.book, snapshot.market, standing.free, facts)
    calm = now or Conditions(facts=facts)
    treasury = Treasury(facts=facts, terms=terms, pots=pots.pots, conditions=calm, chance=chance)
    ways: dict[str, Sequence[Way]] = {}
    reasons: dict[str, str] = {}
    for number, account in enumerate(snapshot.book.accounts):
        if not account.positions:
            continue
        if account.venue in facts.venues:
            found, why = ways_for(treasury, account, facts.venues[account.venue], float(standing.equity[number]))
        else:
            found, why = [], f"no route to {account.venue} is known: {nearest(account.venue, tuple(facts.venues))}"
        ways[account.id], reasons[account.id] = found, why
    return View(
        snapshot=snapshot, facts=facts, terms=terms, standing=standing, ways=ways, reasons=reasons,
        lives=endurances(standing, sigmas), traffic=Traffic(conditions=calm, chance=chance), notes=pots.notes,
    )  # fmt: skip


def reaches(view: View, single: Single | None, lasting_seconds: float, only: str = "") -> dict[str, Reach]:
    """The best way to every account that holds a position, in calm or while something fails: that with the smallest chance to be
    too late, of equals the one that is promised soonest. only : of one account."""
    out = {}
    for account in [only] if only else list(view.ways):
        key = (account, single.name if single else "")
        if key not in view.fronts:
            view.fronts[key] = front_of(view, account, single, lasting_seconds)
        found = [_reach(view, account, way, arrivals) for way, arrivals in view.fronts[key]]
        best = min(found, key=_order, default=None)
        reached = best is not None and np.isfinite(best.typical)
        out[account] = best if best and reached else _nothing(view, account, closed=best is not None)
    return out


def front_of(view: View, account: str, single: Single | None, lasting_seconds: float) -> list[tuple[Way, Floats]]:
    """Ways with their arrivals, without those that another beats whatever the account's chances are: it is sooner at every
    quantile. A failure only delays, so a way that is beaten as it does in calm is beaten."""
    storm = view.traffic
    if single is not None:
        gone = single.conditions(view.facts, lasting_seconds).plus(storm.conditions)
        storm = Traffic(conditions=gone, chance=storm.chance)
    kept: list[tuple[Way, Floats]] = []
    for way, calm in view.arrivals(account):
        if any(_sooner(one, calm) for _, one in kept):
            continue
        wait = _wait(way, single, lasting_seconds)
        touched = wait > 0.0 or not all(storm.clock(hop).calm for hop in way.hops)
        arrivals = np.sort(storm.arrivals(way) + wait) if touched else calm
        if not any(_sooner(one, arrivals) for _, one in kept):
            kept = [(two, one) for two, one in kept if not _sooner(arrivals, one)] + [(way, arrivals)]
    return kept


def _sooner(one: Floats, other: Floats) -> bool:
    """Whether it is there as soon or sooner at every quantile; both in rising order. A few quantiles tell most that are not."""
    last = one.size - 1
    few = one.size != other.size or all(one[k] <= other[k] for k in (0, last // 2, last))
    return few and bool((one <= other).all())


def _wait(way: Way, single: Single | None, lasting_seconds: float) -> float:
    """Seconds that a frozen coin waits; inside one venue it is only booked over."""
    frozen = single is not None and single.kind is Kind.COIN_FROZEN and way.pot.asset == single.coin
    return lasting_seconds if frozen and not way.at_once else 0.0


def _order(one: Reach) -> tuple[float, float, float, str]:
    return (one.late or 0.0, one.promised, one.typical, one.way.words if one.way else "")


def _nothing(view: View, account: str, *, closed: bool) -> Reach:
    late = view.lives[account].late(np.array([np.inf]))
    reason = "every way is closed" if closed else view.reasons[account]
    return Reach(account=account, late=late, way=None, reason=reason)


def _reach(view: View, account: str, way: Way, arrivals: Floats) -> Reach:
    promised, typical = points_of(arrivals)
    late = view.lives[account].late(arrivals)
    return Reach(account=account, late=late, way=way, typical=typical, promised=promised)


def points_of(arrivals: Floats) -> tuple[float, float]:
    """(promised, typical) of arrivals in rising order."""
    last = arrivals.size - 1
    return float(arrivals[min(last, int(PROMISED * arrivals.size))]), float(arrivals[arrivals.size // 2])
