"""The contingency ladder: what to do with this book at each waiting time of one incident, with numbers, and as proposals.

0 to 2 min wait; 2 to 10 min read through another provider and let nothing new begin; 10 to 60 min (half of all halts last two
hours: nobody waits for the end) hedge what is trapped on a venue that lives; 1 to 12 h top up over what is left, and count money
under way as lost; longer, or after a rollback or a hack, write down and unwind elsewhere; after it, an hour of grace and a day of
care. A step that this book has no use for is left out with the reason. Nothing is sent.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from perpbook.kernels.margin import account_margins
from perpbook.model.book import Access
from perpbook.treasury.audit import Limits, behind, in_flight, loss_of
from perpbook.treasury.audit_view import View, front_of, points_of
from perpbook.treasury.failures import Single
from perpbook.treasury.incident import FROZEN, UNREACHABLE, Incident
from perpbook.treasury.outages import past_stops
from perpbook.treasury.pots import weight_of
from perpbook.treasury.repair import Case
from perpbook.treasury.runbook import Proposal, Runbook, Step
from perpbook.treasury.trapped import LEAST_DOLLARS, Hedge, hedge_of, trapped, unwinds

MINUTE, HOUR = 60.0, 3_600.0
GRACE_SECONDS = HOUR
"""Where the facts have no grace of a layer's own: that of those with an uptime feed."""

CARE_SECONDS = 24 * HOUR
"""Halts came again within a day (Base, 2026-06-25 and 26)."""


def runbook_of(case: Case, view: View, incident: Incident) -> Runbook:
    """The ladder for a book and an incident."""
    single = incident.single
    stuck, left = behind(view, single)
    hedge, hedges, hedged = _hedge(case, view, incident)
    steps = (
        _wait(case, view, incident),
        _block(case, view, incident),
        hedge,
        _top_up(hedged, hedged.view() if hedges else view, incident),
        _write_down(case, view, incident, hedges),
        _after(case, incident, hedges),
    )
    return Runbook(
        incident=incident,
        stuck=stuck,
        left=left,
        loss=loss_of(view, single),
        touches=_touches(view, single),
        steps=steps,
        hedges=hedges,
        notes=view.notes,
    )


def _touches(view: View, single: Single) -> tuple[str, ...]:
    out = []
    if single.closed:
        out.append(f"cannot trade: {', '.join(sorted(single.closed))}")
    paid = single.unpaid - single.closed
    if paid:
        out.append(f"pay nothing out: {', '.join(sorted(paid))}")
    held = {key: dollars for key, dollars in view.outside().items() if view.facts.layer_id(key[0]) in single.layers}
    out += [f"{dollars:,.0f} dollars of {coin} on {layer} do not move" for (layer, coin), dollars in held.items()]
    out += [
        f"{one} dollars of {coin} under way from {source} to {end} wait"
        for source, end, coin, one in _flights(view, single)
    ]
    return tuple(out)


def _flights(view: View, single: Single) -> list[tuple[str, str, str, str]]:
    """Transfers that wait: (from, to, coin, dollars)."""
    out = []
    for (source, end, coin), dollars in in_flight(view).items():
        places = {source, end, view.facts.layer_id(source) or "", view.facts.layer_id(end) or ""}
        if places & (single.layers | single.failure.places) or (single.coin == coin and not single.fall):
            out.append((source, end, coin, f"{dollars:,.0f}"))
    return out


def _wait(case: Case, view: View, incident: Incident) -> Step:
    do = ["Do nothing; look whether it is so, and write down when it began."]
    layer = case.facts.layers.get(incident.id) if incident.what == "layer" else None
    if layer is not None:
        health = layer.health
        if health.crit_seconds is not None:
            do.append(f"It stands still when the newest block of {layer.name} is older than {health.crit_seconds:g} s.")
        do += [f"Its operator writes at {health.status_page}."] if health.status_page else []
    if incident.what in ("layer", "venue"):
        stops = past_stops()
        do.append(
            f"Of {len(stops.stops)} halts of layers half were over in {stops.lasting(0.5) / HOUR:.1f} h, nine in ten in "
            f"{stops.lasting(0.9) / HOUR:.1f} h, all in {max(one.seconds for one in stops.stops) / HOUR:.0f} h."
        )
    for name in sorted(incident.single.closed):
        life = view.lives.get(name)
        if life is not None:
            do.append(f"{name} {_living(life.until(case.limits.late), case.limits, life.unknown)}.")
    return Step(name="wait", start=0.0, end=2 * MINUTE, do=tuple(do))


def _living(seconds: float, limits: Limits, unknown: str) -> str:
    if unknown:
        return f"lives nobody knows how long: {unknown}"
    if not math.isfinite(seconds):
        return "lives through a week as it is"
    return f"is liquidated with a chance of {limits.late:.1%} {_within(seconds)} if no money comes"


def _within(seconds: float) -> str:
    """By when, as a person says it."""
    if seconds < MINUTE:
        return "at once" if seconds < 1.0 else f"within {seconds:.0f} s"
    if seconds < 1.5 * HOUR:
        return f"within {seconds / MINUTE:.0f} min"
    return f"within {seconds / HOUR:.1f} h" if seconds < 36 * HOUR else f"within {seconds / HOUR / 24:.1f} days"


def _block(case: Case, view: View, incident: Incident) -> Step:
    single = incident.single
    do, proposals = [], []
    if incident.what == "layer":
        found = next((one for one in case.snapshot.book.access if case.facts.layer_id(one.layer) == incident.id), None)
        told, switch = _providers(found, case.facts.layers[incident.id].name)
        do.append(told)
        proposals += [switch] if switch else []
    places = sorted(single.closed | single.unpaid | single.layers) or [single.coin or incident.id]
    do.append(f"Let nothing new begin there: no position, no order, no transfer in or over {', '.join(places)}.")
    proposals.append({"kind": "block", "places": places, "until": "recovered"})
    for account in case.snapshot.book.accounts:
        for order in account.orders if account.id in single.closed else ():
            if not order.reduce_only:
                do.append(
                    f"Take back the order {order.quantity:+,.10g} {order.symbol} @ {account.id} as soon as it can be."
                )
                proposals.append(
                    {"kind": "cancel", "account": account.id, "symbol": order.symbol, "quantity": order.quantity,
                     "limit_price": order.limit_price}
                )  # fmt: skip
    return Step(
        name="look twice, block new risk", start=2 * MINUTE, end=10 * MINUTE, do=tuple(do), proposals=tuple(proposals)
    )


def _providers(access: Access | None, layer: str) -> tuple[str, Proposal | None]:
    if access is None:
        return f"Read {layer} through a second provider; through whom is not known: name them under [access].", None
    first, *rest = access.providers
    if not rest:
        return f"{layer} is read through {first} alone: there is no second provider to ask.", None
    return (
        f"Read {layer} through {rest[0]} instead of {first}, and compare the height and hash of a block.",
        {"kind": "read_through", "layer": access.layer, "provider": rest[0], "instead_of": first},
    )


def _hedge(case: Case, view: View, incident: Incident) -> tuple[Step, tuple[Hedge, ...], Case]:
    """The step, its hedges, and the book with them."""
    name, times = "hedge what is trapped", (10 * MINUTE, HOUR)
    found = trapped(view, incident.single)
    if not found:
        return (
            Step(name=name, start=times[0], end=times[1], left_out="no leg is trapped: every account can trade"),
            (),
            case,
        )
    if incident.lost:
        told = f"what is {incident.state} counts as lost: a hedge of it would be a bet"
        return Step(name=name, start=times[0], end=times[1], left_out=told), (), case
    alone = {asset: value for asset, (_, value) in found.items() if abs(value) >= LEAST_DOLLARS}
    offset = [asset for asset in found if asset not in alone]
    if not alone:
        told = f"what is trapped ({', '.join(offset)}) is offset by legs that can be traded"
        return Step(name=name, start=times[0], end=times[1], left_out=told), (), case
    do, proposals, hedges = [], [], []
    now = case
    for asset, dollars in sorted(alone.items(), key=lambda one: -abs(one[1])):
        hedge = hedge_of(now, incident.single, asset, dollars)
        if hedge is None:
            do.append(f"{asset}: {dollars:+,.0f} dollars are trapped and no account that lives can hedge them here.")
            continue
        hedges.append(hedge)
        now = replace(now, snapshot=now.desk.after([hedge.trade]).snapshot)
        do.append(hedge_words(hedge, dollars))
        proposals.append(_trade(hedge, hedge.trade.quantity))
    do += [f"Leave alone what legs elsewhere offset: {', '.join(offset)}."] if offset else []
    step = Step(name=name, start=times[0], end=times[1], do=tuple(do), proposals=tuple(proposals))
    return step, tuple(hedges), now


def hedge_words(one: Hedge, dollars: float) -> str:
    """A hedge in one sentence."""
    side = "Sell" if one.trade.quantity < 0 else "Buy"
    part = "" if one.dollars > 0.98 * one.wanted else f", {one.dollars / one.wanted:.0%} of what would offset it all"
    margin = (
        f"{'takes' if one.margin > 0.0 else 'frees'} {abs(one.margin):,.0f} of free collateral, {one.free:,.0f} stay"
    )
    return (
        f"{side} {abs(one.trade.quantity):,.10g} {one.trade.symbol} @ {one.trade.account} against {dollars:+,.0f} dollars of "
        f"{one.asset} that are trapped: {one.dollars:,.0f} dollars{part}; it costs {one.cost:,.0f}, {margin}."
    )


def _trade(one: Hedge, quantity: float) -> Proposal:
    """A hedge, or its end; neither is reduce-only, for the account may hold the contract already."""
    return {
        "kind": "trade", "account": one.trade.account, "symbol": one.trade.symbol, "quantity": quantity,
        "notional": one.dollars, "cost": one.cost, "margin": one.margin if quantity == one.trade.quantity else -one.margin,
        "reduce_only": False,
    }  # fmt: skip


def _end(one: Hedge, why: str) -> tuple[str, Proposal]:
    told = (
        f"{why}: {-one.trade.quantity:+,.10g} {one.trade.symbol} @ {one.trade.account} ends the hedge of {one.asset}."
    )
    return told, _trade(one, -one.trade.quantity)


def wanted_by(view: View, move: float) -> dict[str, float]:
    """By account, dollars that it lacks to stay above maintenance margin in a joint move of so much either way."""
    arrays, lines = view.standing.arrays, view.standing.lines
    equity, maintenance = np.empty(len(arrays.accounts)), np.empty(len(arrays.accounts))
    worst = np.full(len(arrays.accounts), np.inf)
    for side in (-move, move):
        prices = np.maximum(arrays.prices * (1.0 + side * arrays.betas), 1e-9 * arrays.prices)
        account_margins(lines, prices, equity, maintenance)
        worst = np.minimum(worst, equity - maintenance)
    return {one.id: max(0.0, -float(worst[k])) for k, one in enumerate(arrays.accounts) if one.positions}


def _top_up(case: Case, view: View, incident: Incident) -> Step:
    single, limits = incident.single, case.limits
    do, proposals = [], []
    left: dict[tuple[str, str], float] = {}
    for name, dollars in sorted(wanted_by(view, limits.move).items(), key=lambda one: -one[1]):
        if dollars < LEAST_DOLLARS or name in single.closed:
            continue
        got = _sent(view, single, limits, name, dollars, left)
        if got is None:
            do.append(
                f"{name} lacks {dollars:,.0f} dollars for a move of {limits.move:.0%}, and nothing that is left reaches it."
            )
            continue
        do.append(got[0])
        proposals.append(got[1])
    flights = _flights(view, single)
    for source, end, coin, dollars_words in flights:
        do.append(
            f"Count {dollars_words} dollars of {coin} from {source} to {end} as lost for every limit until they are there."
        )
        proposals.append({"kind": "count_as_lost", "source": source, "destination": end, "asset": coin})
    told = (
        ""
        if do
        else f"every account that can be reached bears a move of {limits.move:.0%}, and nothing is under way there"
    )
    return Step(
        name="top up over what is left",
        start=HOUR,
        end=12 * HOUR,
        do=tuple(do),
        proposals=tuple(proposals),
        left_out=told,
    )


def _sent(
    view: View, single: Single, limits: Limits, name: str, dollars: float, left: dict[tuple[str, str], float]
) -> tuple[str, Proposal] | None:
    """Money for one account over the soonest way that is left and has some; what is sent is taken from `left`."""
    for way, arrivals in sorted(front_of(view, name, single, limits.lasting), key=lambda one: points_of(one[1])):
        if way.pot.asset == single.coin:
            continue
        key = (way.pot.account, "") if way.pot.account else (way.pot.layer, way.pot.asset)
        there = min(left.get(key, way.pot.dollars), way.dollars)
        amount, promised = min(dollars, there), points_of(arrivals)[0]
        if amount < LEAST_DOLLARS or not math.isfinite(promised):
            continue
        left[key] = left.get(key, way.pot.dollars) - amount
        account = view.account(name)
        weight = weight_of(way.pot.asset, account, view.terms[account.venue], view.facts)
        part = "" if amount >= dollars - 1.0 else f" (of {dollars:,.0f} that it lacks)"
        by = way.words if way.at_once else f"by {way.words}"
        return (
            f"Send {amount / weight:,.0f} dollars of {way.pot.asset}{part} from {way.pot.name} to {name} {by}, there 95 times in "
            f"100 {_within(promised)}: it lacks them for a move of {limits.move:.0%}.",
            {"kind": "transfer", "source": way.pot.account or way.pot.layer, "target": name, "asset": way.pot.asset,
             "dollars": amount / weight, "by": way.words, "routes": [hop.name for hop in way.hops], "promised_seconds": promised},
        )  # fmt: skip
    return None


def _write_down(case: Case, view: View, incident: Incident, hedges: tuple[Hedge, ...]) -> Step:
    single = incident.single
    stuck, left = behind(view, single)
    loss = loss_of(view, single) or stuck
    do: list[str] = []
    proposals: list[Proposal] = []
    if loss > 0.0:
        do.append(
            f"Write down {loss:,.0f} dollars, {loss / (stuck + left):.0%} of the book: {stuck + left - loss:,.0f} are left."
        )
        proposals.append({"kind": "write_down", "dollars": loss, "equity_left": stuck + left - loss})
    trades = unwinds(case, view, single)
    for one in trades:
        side = "Sell" if one.quantity < 0 else "Buy"
        do.append(
            f"{side} {abs(one.quantity):,.10g} {one.symbol} @ {one.account}: its other leg is behind what fails "
            f"({case.desk.notional(one):,.0f} dollars, costs {case.desk.cost(one):,.0f})."
        )
        proposals.append(
            {"kind": "trade", "account": one.account, "symbol": one.symbol, "quantity": one.quantity, "reduce_only": True,
             "notional": case.desk.notional(one), "cost": case.desk.cost(one)}
        )  # fmt: skip
    ends = [_end(one, "The leg counts as lost") for one in hedges]
    do += [told for told, _ in ends]
    proposals += [proposal for _, proposal in ends]
    start = 0.0 if incident.lost else 12 * HOUR
    told = "" if do else "nothing of the book is behind it"
    if do and incident.lost:
        do.insert(0, f"It is {incident.state}: do this at once.")
    return Step(
        name="write down, unwind elsewhere",
        start=start,
        end=math.inf,
        do=tuple(do),
        proposals=tuple(proposals),
        left_out=told,
    )


def _after(case: Case, incident: Incident, hedges: tuple[Hedge, ...]) -> Step:
    if incident.what == "coin":
        told = "a coin has no recovery to wait for: let it pass again when transfers and price have held for a day"
        return Step(name="an hour of grace, a day of care", start=None, end=None, left_out=told)
    layer = case.facts.layers.get(incident.id)
    grace = (layer.health.grace_seconds if layer else None) or GRACE_SECONDS
    do = [
        f"Send nothing for {grace / HOUR:g} h after it is back; then a small amount first.",
        f"For {CARE_SECONDS / HOUR:g} h more keep new risk there at half: halts have come again within a day.",
    ]
    again = past_stops().of(incident.id)
    if again:
        hours = ", ".join(f"{one.seconds / HOUR:.1f}" for one in again)
        do.append(f"{layer.name if layer else incident.id} has stood still before, for {hours} h.")
    if incident.lost or incident.state in (UNREACHABLE, FROZEN):
        do.append(
            "Read every balance, position and order there anew before anything else: what was seen may have been undone."
        )
    proposals: list[Proposal] = [
        {"kind": "block", "places": [incident.id], "until_seconds_after_recovery": grace},
        {"kind": "half_limits", "places": [incident.id], "until_seconds_after_recovery": grace + CARE_SECONDS},
    ]
    for one in hedges:
        told, proposal = _end(one, "Unless it was ended before")
        do.append(told)
        proposals.append(proposal)
    return Step(name="an hour of grace, a day of care", start=None, end=None, do=tuple(do), proposals=tuple(proposals))
