"""Funding that is not what it says: intervals that change or are labelled wrong, holes, rates beyond any cap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perpbook.model.bars import Settlements
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import HOUR_NS, to_iso

ANY_CAP = 0.04
"""No venue known settles more than 4 % at once: Hyperliquid's hourly cap is the widest published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The settlements of one contract, and the most its venue settles at once by today's terms."""

    venue: str
    symbol: str
    settlements: Settlements
    cap: float = ANY_CAP

    def finding(self, severity: Severity, code: str, rows: tuple[int, int], message: str) -> DataFinding:
        """A finding from one settlement to another."""
        times = self.settlements.times_ns
        return DataFinding(
            severity=severity, code=code, venue=self.venue, symbol=self.symbol, start_ns=int(times[rows[0]]),
            end_ns=int(times[rows[1]]) + 1, message=message, kind="funding",
        )  # fmt: skip


def funding_findings(paid: Paid) -> Iterator[DataFinding]:
    """Every check of one contract's funding."""
    times, rates = paid.settlements.times_ns, paid.settlements.rates
    if times.size == 0:
        return
    wrong = np.flatnonzero(~np.isfinite(rates))
    if wrong.size:
        yield paid.finding(
            Severity.FATAL, "not_a_rate", (int(wrong[0]), int(wrong[-1])), f"{wrong.size:,} rates are not numbers"
        )
    yield from _beyond(
        paid, ANY_CAP, Severity.FATAL, "any venue's cap: a rate per year, or in per cent, is not one per interval"
    )
    if paid.cap < ANY_CAP:
        yield from _beyond(paid, paid.cap, Severity.WARNING, f"the cap of {paid.venue}'s terms today")
    yield from _repeated(paid)
    yield from _changes(paid)
    yield from _labels(paid)


def _beyond(paid: Paid, cap: float, severity: Severity, whose: str) -> Iterator[DataFinding]:
    rates = paid.settlements.rates
    beyond = np.flatnonzero(np.abs(rates) > cap * (1 + 1e-9))
    if beyond.size:
        worst = int(beyond[np.abs(rates[beyond]).argmax()])
        at = to_iso(int(paid.settlements.times_ns[worst]))
        yield paid.finding(
            severity, "beyond_cap", (int(beyond[0]), int(beyond[-1])),
            f"{beyond.size:,} rates are beyond {cap:.2%}, the worst {rates[worst]:.2%} at {at}: beyond {whose}",
        )  # fmt: skip


def _repeated(paid: Paid) -> Iterator[DataFinding]:
    steps = np.diff(paid.settlements.times_ns)
    again = np.flatnonzero(steps <= 0) + 1
    if again.size:
        rates = paid.settlements.rates
        differ = bool((rates[again] != rates[again - 1]).any())
        yield paid.finding(
            Severity.FATAL if differ else Severity.WARNING, "conflict" if differ else "duplicate",
            (int(again[0]) - 1, int(again[-1])), f"{again.size:,} settlements repeat a time or go back in it",
        )  # fmt: skip


def _changes(paid: Paid) -> Iterator[DataFinding]:
    """Where the interval becomes another one and stays so for at least a day."""
    hours = paid.settlements.interval_ns / HOUR_NS
    edges = np.flatnonzero(np.diff(hours)) + 1
    for number, edge in enumerate(edges.tolist()):
        until = int(edges[number + 1]) - 1 if number + 1 < edges.size else hours.size - 1
        yield paid.finding(
            Severity.NOTE, "interval_change", (edge, until),
            f"settles every {hours[edge]:g} h from {to_iso(int(paid.settlements.times_ns[edge]))} on, every "
            f"{hours[edge - 1]:g} h before",
        )  # fmt: skip


def _labels(paid: Paid) -> Iterator[DataFinding]:
    """Settlements that are nearer together or further apart than their label says."""
    times = paid.settlements.times_ns
    steps, label = np.diff(times), paid.settlements.interval_ns[1:]
    order = steps > 0
    holes = np.flatnonzero(order & (steps > 1.5 * np.maximum(label, paid.settlements.interval_ns[:-1])))
    if holes.size:
        missing = int((steps[holes] / label[holes] - 1).round().sum())
        first = to_iso(int(times[holes[0]]))
        yield paid.finding(
            Severity.WARNING, "funding_hole", (int(holes[0]), int(holes[-1]) + 1),
            f"about {missing:,} settlements are missing in {holes.size:,} holes, the first after {first}: none is paid there",
        )  # fmt: skip
    near = np.flatnonzero(order & (steps < 0.6 * label))
    far = steps > 1.5 * label
    wrong = near.size + (int(far.sum()) if far.mean() > 0.5 else 0) if steps.size else 0
    if wrong > max(3, 0.01 * steps.size):
        usual = float(np.median(steps)) / HOUR_NS
        yield paid.finding(
            Severity.WARNING, "interval_mislabelled", (0, times.size - 1),
            f"labelled every {float(np.median(label)) / HOUR_NS:g} h, but settlements are {usual:g} h apart",
        )  # fmt: skip
