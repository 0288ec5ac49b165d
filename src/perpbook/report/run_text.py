"""A backtest in a terminal, and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perpbook.engine.result import BacktestResult
from perpbook.model.data_finding import Severity
from perpbook.model.units import to_iso
from perpbook.report.run_measures import Measures, deaths_of, measures_of
from perpbook.report.run_overlay import overlay_data, tell_overlaid, warnings_of_overlay
from perpbook.report.run_treasury import tell_treasured, treasury_data
from perpbook.report.spoken import counted

if TYPE_CHECKING:
    from rich.console import Console

MOST_DEATHS = 12


def verdict_of(result: BacktestResult) -> str:
    """What happened to the accounts, in a sentence or two."""
    main, control = measures_of(result.main), measures_of(result.control)
    told = (
        f"{main.start:,.0f} became {main.end:,.0f} ({main.returned:+.1%}), {main.drawdown:.1%} below its peak at worst."
    )
    if main.dead:
        told += f" Liquidated: {', '.join(main.dead)}."
    if result.guarded is not None:
        fired = counted(sum(main.rules.values()), "order of a rule", "orders of rules")
        dead = f", and would have lost {', '.join(control.dead)}" if control.dead and not main.dead else ""
        told += f" Without the playbook: {control.end:,.0f} ({control.returned:+.1%}){dead}; {fired}."
    return told


def warnings_of(result: BacktestResult) -> list[str]:
    """What must be known before a number is read."""
    facts = result.facts
    out = ["SIMULATED prices: no market ever made them."] if facts["simulated"] else []
    out += [f"{venue} stands on the prices of {other}." for venue, other in facts["proxies"].items()]
    out += [
        f"{venue} pays no funding." if other == "none" else f"{venue} pays the funding of {other}."
        for venue, other in facts["funding"].items()
    ]
    out += warnings_of_overlay(facts)
    if result.main.stopped:
        out.append(f"STOPPED after {result.main.ended} of {facts['bars']} bars: {result.main.stopped}")
    return out


def tell_backtest(console: Console, result: BacktestResult) -> None:
    """The story in tables of at most 100 columns."""
    facts = result.facts
    console.print(f"{facts['start']} to {facts['end']}, {facts['bars']:,} bars; {facts['strategy']}")
    for line in warnings_of(result):
        console.print(line)
    console.print(verdict_of(result))
    console.print()
    console.print(_table(result))
    for death in deaths_of(result.main)[:MOST_DEATHS]:
        left = ", ".join(f"{asset} {value:+,.0f}" for asset, value in death.left.items()) or "nothing"
        when = to_iso(int(result.main.bars.open_ns[death.bar]))[:16]
        console.print(f"{when} {death.account} was liquidated; the rest of the book was left with {left}.")
    tell_overlaid(console, result)
    tell_treasured(console, result.treasured, result.main)
    fatal = [one for one in result.findings if one.severity is not Severity.NOTE]
    if fatal:
        console.print(f"{counted(len(fatal), 'finding', 'findings')} in the data: {fatal[0].message}")
    for note in result.notes:
        console.print(f"Note: {note}.")
    console.print(f"Result {result.result_hash[:16]}")


def _table(result: BacktestResult) -> Any:
    from rich.table import Table

    runs = [("under the playbook", result.guarded)] if result.guarded is not None else []
    runs += [("without it" if runs else "the run", result.control), ("most hopeful fills", result.hopeful)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    told = []
    for title, outcome in runs:
        table.add_column(title, justify="right")
        assert outcome is not None
        told.append((measures_of(outcome), outcome.attribution()))
    for name in LINES:
        table.add_row(name, *(LINES[name](measures) for measures, _ in told))
    for kind in told[0][1]:
        if any(abs(amounts[kind]) >= 0.5 for _, amounts in told):
            table.add_row(kind, *(f"{amounts[kind]:+,.0f}" for _, amounts in told))
    return table


LINES = {
    "end equity": lambda one: f"{one.end:,.0f}",
    "least equity": lambda one: f"{one.least:,.0f}",
    "deepest drawdown": lambda one: f"{one.drawdown:.1%}",
    "volatility a year": lambda one: "-" if one.volatility is None else f"{one.volatility:.0%}",
    "Sharpe ratio": lambda one: "-" if one.sharpe is None else f"{one.sharpe:.2f}",
    "worst day": lambda one: "-" if one.worst_day is None else f"{one.worst_day:.1%}",
    "fills": lambda one: f"{one.fills:,}",
    "refused": lambda one: f"{one.refused:,}",
    "liquidations": lambda one: f"{one.liquidations:,}",
    "orders of rules": lambda one: f"{sum(one.rules.values()):,}",
}


def backtest_data(result: BacktestResult) -> dict[str, Any]:
    """Everything but the curves, JSON-ready."""
    runs = {"guarded": result.guarded, "control": result.control, "hopeful": result.hopeful}
    return {
        "result_hash": result.result_hash,
        "facts": dict(result.facts),
        "verdict": verdict_of(result),
        "warnings": warnings_of(result),
        "measures": {name: _plain(measures_of(one)) if one is not None else None for name, one in runs.items()},
        "attribution": result.main.attribution(),
        "liquidations": [asdict(one) for one in deaths_of(result.main)],
        "findings": list(result.findings),
        "notes": list(result.notes),
        "not_modelled": list(result.not_modelled),
        "stopped": result.main.stopped,
        "overlay": overlay_data(result),
        "treasury": treasury_data(result.treasured, result.main),
    }


def _plain(measures: Measures) -> dict[str, Any]:
    return asdict(measures)
