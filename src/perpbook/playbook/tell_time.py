"""The rules that need time, in plain English: drawdown, profit, funding, rebalance, and how cuts keep from repeating."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perpbook.playbook.figures import listing, percent, plain
from perpbook.playbook.schema import Funding, Guardrails, Hedge, ProfitStep, Rebalance

CADENCE_WORDS = {
    "daily": "Every day at 00:00",
    "weekly": "Every Monday at 00:00",
    "monthly": "On the first of every month at 00:00",
}


def cuts_sentence(guard: Guardrails) -> str:
    """How far a cut goes, and how long it is left at that."""
    far = f"to {percent(guard.slack)} below what its limit allows" if guard.slack else "no further than its limit asks"
    alone = f"leave that position alone for {plain(guard.cooldown_minutes)} minutes"
    again = "may cut that position again at once"
    return (
        f"Over time, a rule that cuts a position cuts it {far}, and rules that rank below survival then "
        f"{alone if guard.cooldown_minutes else again}."
    )


def drawdowns(guard: Guardrails) -> Iterator[str]:
    """What a day and a week may lose, and what happens then."""
    then = (
        "everything is closed and nothing is opened" if guard.drawdown_action == "flatten" else "no position may grow"
    )
    for most, since, until in (
        (guard.daily_drawdown, "since the UTC day began", "the next day"),
        (guard.weekly_drawdown, "since Monday, 00:00 UTC", "the next Monday"),
    ):
        if most is not None:
            end = f"until {until}" if guard.rearm == "next" else "until somebody re-arms the book by hand"
            yield f"Once the book has lost more than {percent(most)} {since}, {then} {end}."


def ladder_sentence(steps: Sequence[ProfitStep]) -> str:
    """The gains at which profit is taken, each once."""
    (first, *others) = steps
    rows = [f"{percent(first.close)} of it is closed at a gain of {percent(first.gain)}"]
    rows += [f"{percent(one.close)} of the rest at {percent(one.gain)}" for one in others]
    return f"Profit on a position is taken once per step, measured on what it cost: {listing(rows)}."


def funding_caps(funding: Funding) -> Iterator[str]:
    """What funding may cost in a day, and what happens then."""
    then = "positions that paid are cut, once a day, to the part that would have cost that much"
    if funding.daily_cap is not None:
        yield f"Once funding has cost the book more than {percent(funding.daily_cap)} of its equity in a UTC day, {then}."
    for caps, place in ((funding.daily_cap_asset, "asset"), (funding.daily_cap_venue, "venue")):
        if caps:
            most = _capped(caps, place)
            yield f"By {place}, funding may cost so much of book equity in a UTC day: {most}; beyond that, {then}."


def funding_rates(funding: Funding) -> Iterator[str]:
    """What the rules on rates allow, and what happens then."""
    if funding.projected_cap is not None:
        yield (
            f"Once funding paid in a UTC day, and what the rates in force still cost until midnight, come to more than "
            f"{percent(funding.projected_cap)} of book equity, positions that would still pay are cut to what that leaves."
        )
    there = "in the book's cheapest other contract in the asset"
    pays = f"that pays for the trades within {plain(funding.payback_days)} days"
    then = {
        "close": "it is closed",
        "rotate": f"it is closed, and opened again {there} if {pays}",
        "move": f"it is closed and opened again {there} if {pays}, and left alone if not",
    }[funding.response]
    if funding.flip_after is not None:
        yield f"Once a position that has received funding pays more than {funding.flip_after} settlements in a row, {then}."
    if funding.expected_max is not None:
        yield (
            f"Once a position is expected to pay more than {percent(funding.expected_max)} a year (past rates, their weight "
            f"halved every three days), {then}."
        )
    if funding.skew_alert is not None:
        yield (
            f"A contract held whose rate in force is more than {percent(funding.skew_alert)} a year, either way, is reported; "
            "nothing is traded for it."
        )


def _capped(caps: Mapping[str, float], place: str) -> str:
    rows = [f"{name} {percent(cap)}" for name, cap in caps.items() if name != "default"]
    rest = caps.get("default")
    if rest is not None:
        rows.append(f"every {'other ' if rows else ''}{place} {percent(rest)}")
    return listing(rows)


def hedge_sentence(band: float, assets: Sequence[str]) -> str:
    """How far an asset may lean, and what happens then."""
    named = list(dict.fromkeys(assets))
    whose = f"{'each of ' if len(named) > 1 else ''}{listing(named)}" if named else "any one asset"
    return (
        f"Net exposure in {whose} (both sides and coins over all accounts, beta-weighted) may be {percent(band)} of book "
        "equity either way; beyond that, positions on the heavier side are cut back into the band, the largest first, and "
        "nothing is opened."
    )


BETAS = {
    "ols": "least squares on all past moves",
    "ewma": "least squares that weigh recent moves first",
    "robust": "Huber's robust regression",
    "tail": "least squares on the tenth of moves in which the factor falls hardest",
}
"""How each estimator of `hedge.beta` is told."""


def beta_sentence(beta: str) -> str:
    """How one asset counts as another in hedges."""
    if beta == "none":
        return "In hedges no asset stands for another: there are no betas between them."
    return f"In hedges an asset counts as another by its beta, from {BETAS[beta]}."


def hedge_limits(hedge: Hedge) -> Iterator[str]:
    """The band, the tail budget, and whether options are allowed."""
    if hedge.delta_band is not None:
        yield hedge_sentence(hedge.delta_band, hedge.assets)
    if hedge.tail_budget is not None:
        yield (
            "After hedging, the worst 2.5 % of moves (past ones, half of their weight with stressed correlation) may cost at "
            f"most {percent(hedge.tail_budget)} of book equity on average; a hedge plan seeks the cheapest that does."
        )
    if hedge.options is not None:
        yield (
            "Hedge plans may lay options over the book." if hedge.options else "No options may be laid over the book."
        )


def rebalance_sentence(rebalance: Rebalance) -> str:
    """When positions are brought back to what the strategy wants, and what is let be."""
    when = CADENCE_WORDS.get(rebalance.cadence, f'Whenever "{rebalance.cadence}" comes round')
    band = " (less where trading is cheap, more where it is dear)" if rebalance.cost_aware else ""
    least = f"; trades under ${plain(rebalance.minimum_trade)} are left out" if rebalance.minimum_trade else ""
    return (
        f"{when} ({rebalance.timezone}), positions that strayed from what the strategy wants by more than "
        f"{percent(rebalance.drift)} of book equity{band} are brought back to it{least}."
    )
