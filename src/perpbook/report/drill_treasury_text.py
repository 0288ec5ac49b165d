"""A treasurer over many futures, told: a sentence or two, tables of accounts, of what was in the way and of what held money."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perpbook.engine.treasured_futures import TreasuredFutures
from perpbook.report.drill_measures import Chance
from perpbook.report.drill_text import share, with_interval
from perpbook.report.drill_treasury import Saved, TreasuryMeasures, treasury_measures
from perpbook.report.spoken import counted
from perpbook.report.words import lasting, money

if TYPE_CHECKING:
    from rich.console import Console

ACCOUNT_HEADS = ("account", "dies without it", "dies with it", "difference", "saved", "lost")
NOWHERE_HEADS = ("wanted in", "why nothing, or too little, left", "futures")
HELD_HEADS = ("held by", "transfers", "futures", "longest wait")


def treasury_verdict(one: TreasuryMeasures) -> str:
    """What the treasurer saved, and what came too late."""
    whole = one.whole
    if one.paths == 1:
        return f"{_alone(one)} {moved_words(one)}"
    told = (
        f"With a treasurer an account is liquidated in {whole.with_it.count:,} of {one.paths:,} futures, without it in "
        f"{whole.without.count:,} of the same: {difference_words(whole)}."
    )
    late = f"Money came too late in {with_interval(one.late_futures)} of futures." if one.transfers else ""
    return f"{told} {moved_words(one)} {late}".strip()


def _alone(one: TreasuryMeasures) -> str:
    """Who dies in the one future there is."""
    ours = ", ".join(each.account for each in one.accounts if each.with_it.count)
    bare = ", ".join(each.account for each in one.accounts if each.without.count)
    return f"Liquidated with a treasurer: {ours or 'nobody'}; without it: {bare or 'nobody'}."


def moved_words(one: TreasuryMeasures) -> str:
    """What was moved, what that cost, and how long it took."""
    if not one.transfers:
        return "It moved nothing."
    many = one.paths > 1
    told = f"It moved money in {one.moved.count:,} futures" if many else "It moved money"
    told += f", {counted(one.transfers, 'transfer', 'transfers')} in all: {money(one.sent)}"
    told += f" a future on average, for {money(one.cost)}" if many else f", for {money(one.cost)}"
    if one.waits is not None:
        middle, long, worst = (lasting(wait) for wait in one.waits)
        told += f"; on the way {middle} in the middle, {long} at the 95 % point, {worst} at worst"
    told += f"; {one.missing:,} had not arrived at the end" if one.missing else ""
    told += f"; {one.late:,} came too late" if one.late else ""
    return told + "."


def difference_words(one: Saved) -> str:
    """The paired difference with its interval, in percent of futures."""
    return f"{one.difference:+.1%} of futures ({one.low:+.1%} to {one.high:+.1%})"


def account_cells(one: Saved) -> tuple[str, ...]:
    """As `ACCOUNT_HEADS`; saved die only without the treasurer, lost only with it."""
    apart = difference_words(one).replace(" of futures", "") if one.with_it.paths > 1 else ""
    return (
        one.account or "any", with_interval(one.without), with_interval(one.with_it), apart, f"{one.saved:,}", f"{one.lost:,}"
    )  # fmt: skip


def nowhere_cells(one: TreasuryMeasures) -> list[tuple[str, ...]]:
    """As `NOWHERE_HEADS`."""
    return [(each.place, each.why, with_interval(each.futures)) for each in one.nowhere]


def held_cells(one: TreasuryMeasures) -> list[tuple[str, ...]]:
    """As `HELD_HEADS`."""
    return [
        (
            each.why, f"{each.transfers:,}", with_interval(each.futures),
            "none arrived" if each.longest is None else lasting(each.longest),
        )
        for each in one.held
    ]  # fmt: skip


def paired_words(one: TreasuryMeasures) -> list[str]:
    """End equity and the deepest drawdown, with less without, with 95 % intervals."""
    if one.paths == 1:
        return []
    equity, fall = one.equity, one.drawdown
    return [
        f"End equity, mean: {money(equity.second)} with it, {money(equity.first)} without; apart by {equity.difference:+,.0f} "
        f"({equity.low:+,.0f} to {equity.high:+,.0f}).",
        f"Deepest drawdown, mean: {share(fall.second)} with it, {share(fall.first)} without; apart by {fall.difference:+.2%} "
        f"({fall.low:+.2%} to {fall.high:+.2%}).",
    ]


def tell_drill_treasury(console: Console, found: TreasuredFutures | None) -> None:
    """In a terminal; nothing where no treasurer was asked for."""
    if found is None:
        return
    from rich.table import Table

    one = treasury_measures(found)
    console.print(treasury_verdict(one))
    rows = [account_cells(each) for each in (one.whole, *one.accounts)]
    for heads, cells in ((ACCOUNT_HEADS, rows), (NOWHERE_HEADS, nowhere_cells(one)), (HELD_HEADS, held_cells(one))):
        if cells:
            table = Table(box=None, pad_edge=False, header_style="bold")
            for number, name in enumerate(heads):
                table.add_column(name, justify="left" if number == 0 or heads is NOWHERE_HEADS else "right")
            for row in cells:
                table.add_row(*row)
            console.print(table)
    for line in paired_words(one):
        console.print(line)


def drill_treasury_data(found: TreasuredFutures | None) -> dict[str, Any] | None:
    """All of it, JSON-ready; None where no treasurer was asked for."""
    if found is None:
        return None
    one = treasury_measures(found)
    told = asdict(one)
    for row, each in zip((told["whole"], *told["accounts"]), (one.whole, *one.accounts), strict=True):
        row |= {"with_it": _chance(each.with_it), "without": _chance(each.without)}
    for name in ("nowhere", "held"):
        for row, line in zip(told[name], getattr(one, name), strict=True):
            row["futures"] = _chance(line.futures)
    told |= {"moved": _chance(one.moved), "late_futures": _chance(one.late_futures)}
    if one.waits is not None:
        told["waits"] = dict(zip(("median", "p95", "worst"), one.waits, strict=True))
    if one.paths == 1:
        told |= {"equity": _ends(found.ends), "drawdown": _ends(found.deepest)}
    policy = found.policy
    how = {"alarm": policy.alarm, "calm": policy.calm, "reserves": dict(policy.reserves)}
    return {"verdict": treasury_verdict(one), **how, **told}


def _ends(sides: Any) -> dict[str, float]:
    return {"second": float(sides[0, 0]), "first": float(sides[1, 0])}


def _chance(one: Chance) -> dict[str, Any]:
    return {"count": one.count, "paths": one.paths, "share": one.share, "interval": one.interval}


def drill_treasury_part(found: TreasuredFutures | None) -> dict[str, Any] | None:
    """What a page says of it; None where no treasurer was asked for."""
    if found is None:
        return None
    one = treasury_measures(found)
    return {
        "verdict": treasury_verdict(one),
        "tables": [
            ("By account", ACCOUNT_HEADS, [account_cells(each) for each in (one.whole, *one.accounts)], (1, 2, 3, 4, 5)),
            ("Where money was wanted and nothing, or too little, left", NOWHERE_HEADS, nowhere_cells(one), (2,)),
            ("What held money on its way", HELD_HEADS, held_cells(one), (1, 2, 3)),
        ],
        "lines": paired_words(one),
        "policy": found.policy,
    }  # fmt: skip
