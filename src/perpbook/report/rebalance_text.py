"""A rebalance in a terminal: what to do in which order, what it costs, where the sleeves come to, and what holds it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perpbook.allocation.evidence import Evidence, Track
from perpbook.allocation.plan import Convert, Plan, Remedy, Send, Told, Trade, Weight
from perpbook.report.spoken import counted
from perpbook.report.text import table
from perpbook.report.words import lasting, money, quantity, share
from perpbook.treasury.pots import CHANGE_COST

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

WHEN = {1: "at once", 2: "then", 3: "when money has arrived"}


def verdict_of(plan: Plan) -> str:
    """The answer in a sentence or two."""
    outside = [one for one in plan.sleeves if one.missing] + [one for one in plan.weights if one.missing]
    if plan.idle:
        if not outside:
            return "Every sleeve is inside its band: nothing to do."
        held = " without breaking " + ", ".join(sorted({one.rule for one in plan.broken})) if plan.broken else ""
        return f"NOTHING HELPS: {_short(plan)}, and no trade or transfer brings it nearer{held}."
    told = f"Costs {money(plan.cost)}" + (
        f" ({money(plan.trading)} trading, {money(plan.sending)} {_sending(plan)})" if plan.sends else ""
    )
    if plan.reached:
        return f"{told}, and brings every sleeve into its band."
    return f"NOT FEASIBLE: {_short(plan)} after the least bad plan, which costs {money(plan.cost)}."


def _sending(plan: Plan) -> str:
    return "sending and converting" if any(one.converts for one in plan.sends) else "sending"


def _short(plan: Plan) -> str:
    """By how much bands are missed."""
    said = [
        f"{one.name} is {money(abs(one.missing))} {'short of' if one.missing < 0 else 'over'} its band"
        for one in plan.sleeves
        if abs(one.missing) > 0.0
    ]
    said += [f"{weighed(one)} is {money(one.missing)} outside its band" for one in plan.weights if one.missing]
    return ", ".join(said)


def weighed(one: Weight) -> str:
    """A position, or the sleeve's size over today's."""
    return f"{one.symbol} @ {one.account}" if one.account else "all of them, over today's size"


def remedy_words(one: Remedy) -> str:
    """What would help."""
    dollars = f"{money(one.dollars)} of " if one.dollars > 0.0 else ""
    return f"{dollars}{one.what}" + ("" if one.enough else ", in part")


def send_words(one: Send) -> str:
    """A transfer: what, by what, how long, and what its cost leaves out."""
    told = f"send {one.amount:,.2f} {one.asset} from {one.source} to {one.target} ({one.by}): "
    told += f"typically {lasting(one.median)}, 9 in 10 within {lasting(one.p90)}, 99 in 100 within {lasting(one.worst)}"
    fee = f"; {money(one.fee)}" if one.fee else ""
    return told + fee + (f"; not counted: {', '.join(one.unknown)}" if one.unknown else "")


def convert_words(one: Convert) -> str:
    """A coin changed into another."""
    return (
        f"{WHEN[one.when]}: convert {one.amount:,.2f} {one.asset} @ {one.account} into {one.amount * one.rate:,.2f} {one.into} "
        f"({one.rate:.5g} each, {CHANGE_COST:.2%} of it for fee and spread)"
    )


def tell_rebalance(console: Console, found: Told) -> None:
    """Verdict, steps, sleeves, weights, evidence, notes."""
    plan = found.plan
    if found.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    console.print(verdict_of(plan))
    for one in plan.remedies:
        console.print(
            f"Would make it feasible: {remedy_words(one)}." if one.enough else f"Would help: {remedy_words(one)}."
        )
    for number, step in enumerate(steps_of(plan), start=1):
        console.print(f"{number}. {step}")
    _tell_sleeves(console, plan)
    if plan.weights:
        _tell_weights(console, plan)
    if found.evidence is not None:
        _tell_evidence(console, found.evidence)
    for finding in plan.meanwhile:
        console.print(f"While money is under way: {finding.sentence}")
    for note in notes_of(found):
        console.print(f"Note: {note}.")


def steps_of(plan: Plan) -> list[str]:
    """What to do, in order."""
    trades = [
        (one.when, f"{WHEN[one.when]}: {'sell' if one.quantity_after < one.quantity_before else 'buy'} "
        f"{abs(one.quantity_after - one.quantity_before):,.10g} {one.symbol} @ {one.account} "
        f"({quantity(one.quantity_before)} to {quantity(one.quantity_after)}), {money(one.notional)}, costs {money(one.cost)}"
        + ("" if one.slippage_known else ", slippage by --half-spread"))
        for one in plan.trades
    ]  # fmt: skip
    sends = [(one.when, f"{WHEN[one.when]}: {send_words(one)}") for one in plan.sends]
    changed = [(one.when, convert_words(one)) for send in plan.sends for one in send.converts]
    return [told for _, told in sorted([*changed, *sends, *trades], key=lambda pair: pair[0])]


def proposals_words(plan: Plan, out: Path | None, *, dry: bool) -> str:
    """Where the steps went."""
    number = counted(len(steps_of(plan)), "step", "steps")
    if out is None and plan.idle:
        return ""
    if out is None:
        return "A dry run: nothing is sent or written. --out FILE writes the steps as proposals."
    if dry:
        return f"A dry run: {number} would be written to {out}; nothing is."
    return f"Wrote {number} as proposals to {out}. Nothing is sent."


def proposals_document(found: Told, facts: dict[str, object]) -> dict[str, Any]:
    """The steps in the order to act, for whoever carries them out. Quantities are signed: > 0 buys."""
    plan = found.plan
    changed = [(one.when, convert_step(one)) for send in plan.sends for one in send.converts]
    sends = [(one.when, transfer_step(one)) for one in plan.sends]
    trades = [(one.when, trade_step(one)) for one in plan.trades]
    steps = [step for _, step in sorted([*changed, *sends, *trades], key=lambda pair: pair[0])]
    return {
        "schema": "proposals/1", **facts, "simulated": found.simulated, "reached": plan.reached, "cost": plan.cost,
        "steps": [{"number": number, **step} for number, step in enumerate(steps, start=1)],
    }  # fmt: skip


def trade_step(one: Trade) -> dict[str, object]:
    """A trade as a proposal."""
    return {
        "kind": "trade", "when": WHEN[one.when], "account": one.account, "symbol": one.symbol,
        "quantity": traded(one), "quantity_before": one.quantity_before, "quantity_after": one.quantity_after,
        "reduce_only": abs(one.quantity_after) < abs(one.quantity_before), "notional": one.notional, "cost": one.cost,
    }  # fmt: skip


def traded(one: Trade) -> float:
    """The signed change of a position, exact in print."""
    return round(one.quantity_after - one.quantity_before, 12)


def transfer_step(one: Send) -> dict[str, object]:
    """A transfer as a proposal."""
    return {
        "kind": "transfer", "when": WHEN[one.when], "source": one.source, "target": one.target, "asset": one.asset,
        "amount": one.amount, "arrives": one.arrives, "by": one.by, "fee": one.fee, "p90_seconds": one.p90,
    }  # fmt: skip


def convert_step(one: Convert) -> dict[str, object]:
    """A coin changed, as a proposal."""
    return {
        "kind": "convert", "when": WHEN[one.when], "account": one.account, "asset": one.asset, "into": one.into,
        "amount": one.amount, "rate": one.rate,
    }  # fmt: skip


def notes_of(found: Told) -> list[str]:
    """What to know beside."""
    plan, out = found.plan, list(found.notes)
    if not plan.idle and not plan.proven:
        out.append("the search ended before it was sure that nothing is cheaper")
    if abs(plan.revalued) > 1e-6 * plan.equity_before:
        out.append(f"coins off par count for {money(plan.revalued)} more where they arrive; that is no cost")
    if found.broken_after is not None:
        after, before = found.broken_after, found.broken_before
        out.append(f"assessed again after the plan: {after} rules broken, {before} before, none anew or further")
    return out


def _tell_sleeves(console: Console, plan: Plan) -> None:
    made = table("Sleeves, share of book equity", "sleeve", "band", "target", "now", "after")
    for one in plan.sleeves:
        band = f"{share(one.least)} to {share(one.most)}"
        made.add_row(one.name, band, share(one.target), share(one.before), share(one.after))
    console.print(made)


def _tell_weights(console: Console, plan: Plan) -> None:
    made = table("Weights, share of the sleeve's size", "position", "held", "wanted", "after")
    for one in plan.weights:
        made.add_row(weighed(one), share(one.before), share(one.wanted), share(one.after))
    console.print(made)


def _tell_evidence(console: Console, found: Evidence) -> None:
    simulated = "SIMULATED prices, " if found.simulated else ""
    console.print(
        f"Out of sample: {simulated}{found.rows:,} bars from {found.start} to {found.end}, fitted on half of them and walked "
        f"forward over {found.tested:,}. Shortfall is the mean of the worst {share(found.level)} of bars."
    )
    made = table(
        "Out of sample", "weights", "shortfall a bar", "95 % interval", "less by", "volatility a year", "mean a year"
    )
    for one in found.tracks:
        low_high = (
            f"{share(one.shortfall.low, 2)} to {share(one.shortfall.high, 2)}"
            if one.shortfall.sufficient
            else one.shortfall.why
        )
        less = "" if one.less is None or not one.less.sufficient else (
            f"{share(one.less.value, 2)} ({share(one.less.low, 2)} to {share(one.less.high, 2)})"
        )  # fmt: skip
        made.add_row(one.name, share(one.shortfall.value, 2), low_high, less, share(one.volatility), share(one.mean))
    console.print(made)
    for sentence in unshown(found.tracks):
        console.print(sentence)
    for note in found.notes:
        console.print(f"Note: {note}.")


def unshown(tracks: Sequence[Track]) -> list[str]:
    """Of which others the chosen weights are worse in the tail, and of which they are not shown to be better."""
    lows_highs = {one.name: (one.less.low or 0.0, one.less.high or 0.0) for one in tracks if one.less is not None}
    worse = [name for name, (_, high) in lows_highs.items() if high < 0.0]
    unsure = [name for name, (low, high) in lows_highs.items() if low <= 0.0 <= high]
    out = []
    if worse:
        out.append(
            f"WORSE in the tail than weights {' and '.join(worse)}: the whole interval is below zero, they lost more."
        )
    if unsure:
        out.append(f"Not shown to lose less in the tail than weights {' or '.join(unsure)}: the interval reaches zero.")
    return out


def rebalance_document(found: Told) -> dict[str, object]:
    """The answer for machines."""
    import dataclasses

    plan = found.plan
    fields = {field.name: getattr(plan, field.name) for field in dataclasses.fields(plan)}
    return {
        "verdict": verdict_of(plan),
        **fields,
        "cost": plan.cost,
        "simulated": found.simulated,
        "evidence": found.evidence,
        "notes": notes_of(found),
    }
