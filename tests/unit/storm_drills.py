"""Small books put through storms written in a line: from text to what a drill found, by the door that a command takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from perpbook.engine.drill import Futures, run_drill
from perpbook.model.units import HOUR_NS
from perpbook.runs.drill import DrillAsked, History, Planned, plan_drill
from perpbook.terms import load

TERMS = Path(load.__file__).parent / "data"


def account(name: str, venue: str, coins: Mapping[str, float], held: Mapping[str, tuple[float, float]]) -> str:
    """An account holding coins, and contracts as (quantity, entry price)."""
    collateral = ", ".join(f"{coin} = {float(amount)}" for coin, amount in coins.items())
    text = f'[[accounts]]\nid = "{name}"\nvenue = "{venue}"\ncollateral = {{ {collateral} }}\n'
    for symbol, (quantity, entry) in held.items():
        text += (
            f'[[accounts.positions]]\nsymbol = "{symbol}"\nquantity = {float(quantity)}\nentry_price = {float(entry)}\n'
        )
    return text


def mark(venue: str, symbol: str, price: float) -> str:
    """The price of a contract now."""
    kind = "oracle_price" if venue in ("dydx", "drift") else "mark_price"
    return f'[[markets]]\nvenue = "{venue}"\nsymbol = "{symbol}"\n{kind} = {float(price)}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """A planned drill of one storm and what came of it, by account's name."""

    plan: Planned
    found: Futures

    def number(self, name: str) -> int:
        return [one.id for one in self.plan.drill.journey.book.accounts].index(name)

    def end(self, name: str) -> float:
        return float(self.found.ends[0, self.number(name)])

    def died(self, name: str) -> bool:
        return bool(self.found.died[0, self.number(name)] < self.found.steps)

    def toll(self, name: str, which: int) -> float:
        return float(self.found.tolls[0, self.number(name), which])


def fall_on(
    folder: Path,
    parts: list[str],
    storm: str,
    *,
    hours: int = 4,
    terms: tuple[Path, ...] = (),
    playbook: Path | None = None,
) -> Fallen:
    """Drill a book of `parts` in a storm given as tables of TOML, or by name."""
    book = folder / "book.toml"
    book.write_text('schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\nsimulated = true\n' + "\n".join(parts))
    said = storm
    if "\n" in storm:
        path = folder / "storm.toml"
        path.write_text(f'schema = "storm/1"\nname = "fallen"\ntitle = "Fallen"\nhorizon = "{hours}h"\n' + storm)
        said = str(path)
    plan = plan_drill(
        DrillAsked(
            book=book, playbook=playbook, history=History(lake=folder / "none", proxies={}, funding={}), storm=said,
            kind="still", horizon_ns=hours * HOUR_NS, step_ns=HOUR_NS, terms_folders=terms,
        )
    )  # fmt: skip
    return Fallen(plan=plan, found=run_drill(plan.drill, threads=1))


def alone(fallen: Fallen) -> Fallen:
    """The same book and prices without anything that a storm does to coins and venues."""
    around = fallen.plan.drill.surroundings
    assert around is not None
    drill = replace(fallen.plan.drill, surroundings=replace(around, pegs={}, given_back={}))
    return Fallen(plan=fallen.plan, found=run_drill(drill, threads=1))


def with_weight(folder: Path, venue: str, coin: str, weight: float) -> tuple[Path, ...]:
    """A folder of terms of one's own, in which a coin has a weight."""
    (newest,) = sorted(TERMS.glob(f"{venue}-2*.toml"))
    text = newest.read_text().replace("[collateral]\n", f"[collateral]\n{coin} = [{weight}, {weight}]\n")
    if "[collateral]" not in text:
        text = text.replace("[orders]\n", f"[collateral]\n{coin} = [{weight}, {weight}]\n\n[orders]\n")
    own = folder / f"terms-{coin}"
    own.mkdir(exist_ok=True)
    (own / newest.name).write_text(text)
    (own / newest.with_suffix(".csv").name).write_bytes(newest.with_suffix(".csv").read_bytes())
    return (own,)
