"""Money that rules want becomes proposed transfers: the seam between a check and whoever finds the ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from perpbook.model.market import STABLECOINS
from perpbook.model.verdict import MoneyMove, MoneyWanted

if TYPE_CHECKING:
    from perpbook.margin.assess import Assessed
    from perpbook.model.market import Snapshot
    from perpbook.playbook.decision import Decision
    from perpbook.playbook.schema import Margin
    from perpbook.terms.terms import VenueTerms
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.pots import Pot

SEED = 1
BOOK = "book"
"""Whose equity is wanted wherever it stands (`model.verdict.MoneyWanted`)."""


def asks_for_money(margin: Margin | None) -> bool:
    """Whether collateral that accounts lack is told at all."""
    return margin is None or margin.top_up != "never"


def to_top_up(margin: Margin | None, wanted: tuple[MoneyWanted, ...]) -> tuple[MoneyWanted, ...]:
    """What of it a way is sought for."""
    return wanted if margin is not None and margin.top_up == "propose" else ()


def propose_money(
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    assessed: Assessed,
    decision: Decision,
    topped: tuple[MoneyWanted, ...] = (),
) -> tuple[MoneyMove, ...]:
    """The cheapest ways for reserves and gas that layers lack, and before them for `topped`, collateral that accounts lack. Where
    something of the book cannot be read nothing is proposed, and every want says why."""
    wants = [*_top_ups(topped), *_layer_wants(snapshot, decision)]
    if not wants:
        return ()
    from perpbook.runs.rescue import FEWEST_DRAWS, scores_by_name
    from perpbook.treasury.cheapest import Purse, Want, cheapest_moves
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts_load import packaged_facts
    from perpbook.treasury.standing_money import holdings_of
    from perpbook.treasury.ways import Chance, Traffic

    facts, book, free = packaged_facts(), snapshot.book, spare_margin(assessed, decision)
    unread = holdings_of(book, snapshot.market, terms, facts, free=free).unread
    purse = Purse(
        facts=facts,
        pots=[*_pots(snapshot, decision, facts, free)],
        accounts={one.id: one for one in book.accounts},
        terms=terms,
        traffic=Traffic(conditions=Conditions(facts=facts), chance=Chance(scores=scores_by_name(SEED, FEWEST_DRAWS))),
    )
    moves: list[MoneyMove] = [
        replace(one, why=why) for one in wants if (why := _hopeless(one, unread, facts, purse.accounts))
    ]
    hopeful = [one for one in wants if not _hopeless(one, unread, facts, purse.accounts)]
    asked = [
        Want(
            rule=one.rule, place=one.place, dollars=one.dollars, asset=one.asset,
            layer="" if one.place in purse.accounts else facts.layer_id(one.place) or "",
        )
        for one in hopeful
    ]  # fmt: skip
    return (*cheapest_moves(asked, purse), *moves)


def spare_margin(assessed: Assessed, decision: Decision) -> dict[str, float]:
    """Dollars that could leave each account: its positions keep their initial margin, every survival scenario is still survived,
    and its own cap on gross leverage kept."""
    from perpbook.margin.tolls import account_tolls

    state, policy, measures = decision.state, decision.policy, assessed.measures
    surplus = (state.stress_equity - (1.0 + policy.buffer) * state.stress_maintenance).min(axis=1, initial=float("inf"))
    surplus -= account_tolls(assessed.arrays, assessed.tolls)
    out = {}
    for number, name in enumerate(decision.names.accounts):
        equity = float(measures.equity[number])
        capped = equity - float(measures.gross[number]) / policy.account_gross
        out[name] = max(min(equity - float(measures.initial[number]), float(surplus[number]), capped), 0.0)
    return out


def _top_ups(topped: tuple[MoneyWanted, ...]) -> Iterator[MoneyMove]:
    for one in topped:
        yield MoneyMove(rule="margin.top_up", place=one.account, asset="", dollars=one.dollars)


def _layer_wants(snapshot: Snapshot, decision: Decision) -> Iterator[MoneyMove]:
    """What the rules on reserves and gas found short, dollars; NaN where the coin has no price."""
    from perpbook.kernels.state import LAYER_GAS, LAYER_RESERVE

    raw, names = decision.raw, decision.names
    for row in range(int(raw.rows[0])):
        code, missing = int(raw.code[row]), float(raw.limit[row] - raw.measured[row])
        if code not in (LAYER_RESERVE, LAYER_GAS) or missing <= 1e-9 * float(raw.limit[row]):
            continue
        from perpbook.playbook.words import WORDINGS
        from perpbook.treasury.pots import price_of

        layer = int(raw.subject[row])
        coin = names.gas[layer] if code == LAYER_GAS else ""
        price = price_of(coin, snapshot.market.asset_prices) if coin else 1.0
        dollars = missing * price if price is not None else float("nan")
        yield MoneyMove(rule=WORDINGS[code].rule, place=names.layers[layer], asset=coin, dollars=dollars)


def _hopeless(one: MoneyMove, unread: tuple[str, ...], facts: Facts, accounts: Mapping[str, object]) -> str:
    """Why no way need be sought, "" where one may be."""
    if unread:
        return f"nothing is proposed while something cannot be read: {unread[0]}"
    if one.place == BOOK and BOOK not in accounts:
        return "equity is wanted, wherever it stands: no transfer within the book brings any"
    if one.place not in accounts and facts.layer_id(one.place) is None:
        return "no way to this layer is known"
    return "" if one.dollars == one.dollars else f"{one.asset} has no price: write it under [prices]"


def _pots(snapshot: Snapshot, decision: Decision, facts: Facts, free: Mapping[str, float]) -> Iterator[Pot]:
    """Pots of the book, less what layers must keep themselves."""
    from perpbook.treasury.pots import pots_of

    reserves, gas = _kept(snapshot, decision, facts)
    merged: dict[tuple[str, str], Pot] = {}
    for pot in pots_of(snapshot.book, snapshot.market, free, facts).pots:
        if pot.account:
            yield pot
            continue
        before = merged.get((pot.layer, pot.asset))
        merged[pot.layer, pot.asset] = replace(pot, dollars=pot.dollars + (before.dollars if before else 0.0))
    for (layer, asset), pot in merged.items():
        left = pot.dollars - min(gas.get((layer, asset), 0.0), pot.dollars)
        if asset in STABLECOINS:
            stays = min(left, reserves.get(layer, 0.0))
            reserves[layer] = reserves.get(layer, 0.0) - stays
            left -= stays
        if left > 0.0:
            yield replace(pot, dollars=left)


def _kept(
    snapshot: Snapshot, decision: Decision, facts: Facts
) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Dollars that stay on a layer: of stablecoins, by layer, and of coins for fees, by layer and coin."""
    from perpbook.treasury.pots import price_of

    names, policy, prices = decision.names, decision.policy, snapshot.market.asset_prices
    reserves, gas = dict[str, float](), dict[tuple[str, str], float]()
    for number, name in enumerate(names.layers):
        layer = facts.layer_id(name)
        if layer is not None:
            reserves[layer] = reserves.get(layer, 0.0) + float(policy.reserve[number])
            gas[layer, names.gas[number]] = float(policy.gas[number]) * (price_of(names.gas[number], prices) or 0.0)
    for one in snapshot.book.layers:
        layer = facts.layer_id(one.layer)
        if layer is not None and one.gas:
            loose = (one.balance.amount - one.locked) * (price_of(one.balance.asset, prices) or 0.0)
            gas[layer, one.balance.asset] = max(gas.get((layer, one.balance.asset), 0.0), loose)
    return reserves, gas
