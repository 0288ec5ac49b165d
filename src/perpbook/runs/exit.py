"""`exit plan`: the way to flat from a book file, what would start it, how long it may take, and where the money goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs

if TYPE_CHECKING:
    from perpbook.execution.exit_found import ExitFound, Onward, Trigger
    from perpbook.execution.exit_plan import ExitPlan
    from perpbook.model.account import Account
    from perpbook.model.market import Snapshot
    from perpbook.model.verdict import Finding
    from perpbook.playbook.schema import Playbook

CORRELATION = 0.5
"""Between any two assets where nobody says: a guess, and every output says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked. volatility : of a year by asset, "" for the others; none: no chance is told. budget : as `Pace.budget`."""

    book: Path
    playbook: Path | None = None
    market: Path | None = None
    pace_seconds: float | None = None
    volatility: Mapping[str, float] = field(default_factory=dict)
    correlation: float = CORRELATION
    budget: float | None = None


def run_exit(asked: Asked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> ExitFound:
    """Read the files and plan; errors as `execution.exit_build.exit_plan`.

    Raises
    ------
    InputError : a file or an option is wrong.  DataError : a price is missing or stale.
    """
    snapshot, rules = read_inputs(
        asked.book, asked.playbook, market=asked.market, now_ns=now_ns, terms_folders=terms_folders
    )
    terms = load_all_terms(snapshot, terms_folders)
    result = check_snapshot(snapshot, rules, terms, with_plans=False, terms_folders=tuple(terms_folders))
    from perpbook.execution.chances import Swings
    from perpbook.execution.exit_build import PACE_SECONDS, Pace, exit_plan
    from perpbook.execution.exit_found import ExitFound
    from perpbook.playbook.exit_judge import judge_exit

    named = {name: value for name, value in asked.volatility.items() if name}
    swings = Swings(volatility=named, other=asked.volatility.get(""), correlation=asked.correlation)
    pace = PACE_SECONDS if asked.pace_seconds is None else asked.pace_seconds
    plan = exit_plan(
        snapshot, terms, rules, Pace(seconds=pace, swings=swings if asked.volatility else None, budget=asked.budget)
    )
    most = rules.liquidity.max_exit_minutes if rules.liquidity else None
    limit = None if most is None else judge_exit(most, plan.seconds, plan.depth_unknown, near=rules.near)
    return ExitFound(
        plan=plan, playbook=rules.name, triggers=_triggers(rules, result.verdict.findings), limit=limit,
        onward=_onward(snapshot, plan), correlation=asked.correlation if asked.volatility else None,
        simulated=snapshot.market.simulated,
    )  # fmt: skip


def volatilities(given: Sequence[str]) -> dict[str, float]:
    """`--volatility` texts by asset, "" for all others.

    Raises
    ------
    InputError : one is no number.
    """
    out: dict[str, float] = {}
    for text in given:
        asset, _, value = text.rpartition("=")
        try:
            out[asset.strip()] = float(value)
        except ValueError:
            raise InputError(f'--volatility "{text}": write a year\'s volatility as 0.8, or BTC=0.6') from None
    return out


def _triggers(rules: Playbook, findings: Sequence[Finding]) -> tuple[Trigger, ...]:
    """Every trigger, and whether it is pulled as the book stands."""
    from perpbook.execution.exit_found import Trigger
    from perpbook.playbook.tell_exit import ALWAYS, is_about, is_triggered_by

    out = []
    for rule in rules.exit.triggers if rules.exit else ():
        found = [one for one in findings if is_about(rule, one)]
        pulled = [one for one in found if is_triggered_by(rule, one)]
        if pulled:
            out.append(Trigger(rule=rule, broken=True, told=pulled[0].sentence))
        elif found or rule == ALWAYS:
            out.append(Trigger(rule=rule, broken=False, told="holds"))
        else:
            out.append(Trigger(rule=rule, broken=None, told="a single look at a book does not judge it"))
    return tuple(out)


def _onward(snapshot: Snapshot, plan: ExitPlan) -> tuple[Onward, ...]:
    """Where the money of every account goes; nothing where the playbook names no destination.

    Raises
    ------
    InputError : the destination is no layer that is known.
    """
    if not plan.destination:
        return ()
    from perpbook.treasury.facts_load import packaged_facts

    layer = packaged_facts().layer_id(plan.destination)
    if layer is None and plan.destination not in snapshot.book.layer_names:
        known = ", ".join(dict.fromkeys((*snapshot.book.layer_names, *packaged_facts().layers)))
        raise InputError(f'exit.destination: "{plan.destination}" is no layer that is known here; known are {known}')
    last = plan.stages[-1].accounts if plan.stages else plan.before
    accounts = {one.id: one for one in snapshot.book.accounts}
    return tuple(
        _way(accounts[one.account], one.equity, layer, snapshot.market.asset_prices) for one in last if one.equity > 0.0
    )


def _way(account: Account, dollars: float, layer: str | None, prices: Mapping[str, float]) -> Onward:
    from perpbook.execution.exit_found import Onward
    from perpbook.runs.treasury_routes import Asked as Ways
    from perpbook.runs.treasury_routes import run_routes

    coin = max(account.collateral, key=lambda one: one.amount * prices.get(one.asset, 1.0), default=None)
    stays = Onward(account=account.id, dollars=dollars, why="no way is known; `perpbook treasury routes` shows what is")
    if coin is None or layer is None:
        return stays
    try:
        known = {name: price for name, price in prices.items() if price > 0.0}
        found = run_routes(Ways(start=account.venue, end=layer, asset=coin.asset, amount=dollars, most=1, prices=known))
    except InputError as error:
        return Onward(account=account.id, dollars=dollars, why=error.message)
    if not found.rows:
        return stays
    row = found.rows[0]
    return Onward(
        account=account.id, dollars=dollars, by=row.words, fee=row.dollars + row.rate * dollars + (row.gas or 0.0),
        typical_seconds=_finite(row.seconds, 0), slow_seconds=_finite(row.seconds, 1),
    )  # fmt: skip


def _finite(seconds: tuple[float, ...], place: int) -> float | None:
    import math

    return seconds[place] if len(seconds) > place and math.isfinite(seconds[place]) else None
