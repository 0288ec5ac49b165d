"""Layers' health in a terminal: four clocks for each, who agreed, what gas costs, what it means for transfers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perpbook.files.plain import plain
from perpbook.model.health import ACCESS, BATCHES, EXITS, HEAD, Balance, ClockView, LayerHealth, State
from perpbook.model.units import to_iso
from perpbook.report.text import table
from perpbook.report.words import NONE, lasting
from perpbook.treasury.health_conditions import absences_of, meaning_of

if TYPE_CHECKING:
    from rich.console import Console

TITLES = {HEAD: "head", BATCHES: "batches", EXITS: "exits", ACCESS: "access"}


def health_document(healths: Sequence[LayerHealth]) -> dict[str, Any]:
    """All of it as JSON has it."""
    return {"layers": [_document(one) for one in healths]}


def _document(one: LayerHealth) -> dict[str, Any]:
    out: dict[str, Any] = plain(one)
    out["as_of"], out["state"], out["agreed"] = to_iso(one.as_of_ns), one.worst.value, one.agreement.agreed
    out["means"] = meaning_of(one)
    out["absences"] = [{"kind": away.kind, "factor": away.factor} for away in absences_of(one)]
    if one.fees is not None:
        out["fees"] |= {"times_usual": one.fees.times_usual, "dear": one.fees.dear}
    for balance, told in zip(one.balances, out["balances"], strict=True):
        told["amount"] = balance.amount
    return out


def tell_health(console: Console, healths: Sequence[LayerHealth]) -> None:
    """A table of clocks, then what each layer's health means, then accounts and notes."""
    made = table("", "layer", *TITLES.values(), "agree", "gas, gwei", left=5)
    for one in healths:
        clocks = [_cell(one.clocks[clock]) for clock in TITLES]
        asked = len(one.agreement.providers) + len(one.agreement.left_out)
        gas = f"{one.fees.base_gwei:.3g}" if one.fees is not None else NONE
        made.add_row(one.layer, *clocks, f"{len(one.agreement.providers)} of {asked}" if asked else NONE, gas)
    console.print(made)
    for one in healths:
        console.print(f"{one.name}: {meaning_of(one)}.")
        for said in _said(one):
            console.print(f"  {said}")
    _tell_balances(console, healths)


def _cell(view: ClockView) -> str:
    """A clock in a table: its state, and how far it is behind."""
    if not view.watched:
        return NONE
    age = f", {_age(view.age_s)}" if view.age_s is not None and view.state is not State.UNKNOWN else ""
    return f"{view.state.value}{age}"


def _age(seconds: float) -> str:
    return "0 s" if seconds < 1.0 else lasting(seconds)


def _said(one: LayerHealth) -> list[str]:
    """Why its clocks stand as they do, who was left out, where they disagree."""
    out = []
    for clock, title in TITLES.items():
        view = one.clocks[clock]
        if view.watched and view.why:
            out.append(f"{title}: {view.why}")
        if view.watched and view.until_ns is not None:
            out.append(f"{title}: {view.state.value} until {to_iso(view.until_ns)} at the soonest")
    unwatched = [TITLES[clock] for clock, view in one.clocks.items() if not view.watched and view.why == "nobody asked"]
    if unwatched:
        out.append(f"not watched: {', '.join(unwatched)}")
    out += [f"left out: {name} {why}" for name, why in sorted(one.agreement.left_out.items())]
    return list(dict.fromkeys([*out, *one.notes]))


def _tell_balances(console: Console, healths: Sequence[LayerHealth]) -> None:
    rows = [(one.layer, balance) for one in healths for balance in one.balances]
    if not rows:
        return
    made = table("Accounts", "layer", "account", "coin", "holds", left=3)
    for layer, balance in rows:
        made.add_row(layer, balance.account, balance.asset, _held(balance))
    console.print(made)


def _held(balance: Balance) -> str:
    if balance.units is None:
        return f"not known: {balance.why}"
    return f"{balance.amount:,.6f}" if balance.amount is not None else f"{balance.units:,} of its smallest unit"
