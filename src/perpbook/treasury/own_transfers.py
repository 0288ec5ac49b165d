"""What the trader's own transfers say of a route: its chance of being stuck and the law of its time, updated as Bayes has it.

The chance p that one is stuck has a beta law with the mean of the facts and the weight of `STUCK_PRIOR` transfers: k stuck ones
of n make it (STUCK_PRIOR p + k) / (STUCK_PRIOR + n). The weight is small on purpose: the facts know of outages that everybody
saw, and not of what holds up a single transfer. Logarithms of the times above the least are normal, mean and variance unknown,
with the normal-inverse-gamma law that has the facts' median and spread s and the weight of `PRIOR` transfers (Gelman et al.,
Bayesian Data Analysis, 3.3): kappa = PRIOR, alpha = PRIOR / 2, beta = alpha s^2. Points of the time keep their places on the
line, which is moved to the mean and stretched to the root of beta / alpha.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from perpbook.errors import Problem
from perpbook.scenario.table_reader import nearest
from perpbook.treasury.facts import Route, Stuck, Times
from perpbook.treasury.law import Z99

PRIOR = 5.0
"""Transfers that the facts' times count for."""

STUCK_PRIOR = 100.0
"""Transfers that the facts' chance of being stuck counts for."""

COLUMNS = ("route", "sent", "arrived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One that was. seconds : it took, None for one that was stuck."""

    route: str
    seconds: float | None


def read_log(text: str, file: str, routes: Sequence[str]) -> tuple[list[Transfer], list[Problem]]:
    """A log with the columns route, sent, arrived (a time, or "stuck"); every row that is wrong is a problem."""
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        hint = f"the first line names the columns: {','.join(COLUMNS)}"
        return [], [Problem(file=file, line=1, message=f"has no column {missing[0]}", hint=hint)]
    found, problems = [], []
    for number, row in enumerate(rows, start=2):
        one = transfer_of(row.get("route") or "", row.get("sent") or "", row.get("arrived") or "", routes)
        if isinstance(one, Transfer):
            found.append(one)
        else:
            problems.append(Problem(file=file, line=number, message=one[0], hint=one[1]))
    return found, problems


def transfer_of(route: str, sent: str, arrived: str, routes: Sequence[str]) -> Transfer | tuple[str, str]:
    """A row, or what is wrong with it and the next step."""
    if route.strip() not in routes:
        return f'"{route.strip()}" is not a route', nearest(route.strip(), routes)
    start = _moment(sent)
    if start is None:
        return f'sent "{sent}" is not a time', "write it as 2026-11-20T12:00:00Z"
    if arrived.strip() == "stuck":
        return Transfer(route=route.strip(), seconds=None)
    end = _moment(arrived)
    if end is None:
        return f'arrived "{arrived}" is neither a time nor stuck', "write 2026-11-20T12:05:00Z, or stuck"
    if end <= start:
        return "arrived before it was sent", "write both times in UTC, the later one last"
    return Transfer(route=route.strip(), seconds=(end - start).total_seconds())


def updated(route: Route, transfers: Iterable[Transfer]) -> Route:
    """The route with what its own transfers among these say of it."""
    own = [one for one in transfers if one.route == route.id]
    if not own or route.seconds is None:
        return route
    taken = [one.seconds for one in own if one.seconds is not None]
    times = times_after(route.seconds, taken)
    held = len(own) - len(taken)
    stuck = {pair: stuck_after(one, held, len(own)) for pair, one in route.stuck.items()}
    told = ("seconds", "stuck") if stuck else ("seconds",)
    witness = replace(route.witness, own=tuple(dict.fromkeys((*route.witness.own, *told))))
    return replace(route, seconds=times, stuck=stuck, witness=witness)


def stuck_after(stuck: Stuck, held: int, count: int) -> Stuck:
    """The chance after `held` stuck transfers of `count`."""
    return replace(stuck, chance=(STUCK_PRIOR * stuck.chance + held) / (STUCK_PRIOR + count), own=stuck.own + count)


def times_after(times: Times, taken: Sequence[float]) -> Times:
    """The times after transfers that took so many seconds."""
    if not taken:
        return times
    # A time below the least makes a new least: nobody had seen one so short.
    least = min(times.least, 0.9 * min(taken))
    middle, width = math.log(max(times.typical - least, 1e-9)), math.log(max(times.worst - least, 1e-9))
    spread = (width - middle) / Z99
    logs = np.log(np.array(taken) - least)
    count = PRIOR + logs.size
    mean = (PRIOR * middle + float(logs.sum())) / count
    squares = PRIOR * spread**2 + float(((logs - logs.mean()) ** 2).sum())
    squares += PRIOR * logs.size * (float(logs.mean()) - middle) ** 2 / count
    stretch = math.sqrt(squares / count) / spread if spread > 0.0 else 1.0

    def moved(point: float) -> float:
        return least + math.exp(mean + (math.log(max(point - least, 1e-9)) - middle) * stretch)

    p90 = None if times.p90 is None else moved(times.p90)
    return Times(least=least, typical=moved(times.typical), p90=p90, worst=moved(times.worst))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
