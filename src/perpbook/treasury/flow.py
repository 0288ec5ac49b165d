"""A task as a mixed-integer programme: its columns, rows and levels.

Columns: dollars sent over each lane, 0 or 1 for a transfer with a fixed charge or a least amount, dollars of need reduced,
dollars missing; the last two after each failure too: positions can be reduced when it has happened, money cannot be sent anew.
Rows: what each place, route and risk class lets through, and what each need asks, now and after each failure. Of lanes that are
one transfer the first pays its fixed charge; `sent_of` shares it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.solver.programme import Programme
from perpbook.treasury.layout import CENT, Laid
from perpbook.treasury.task import Plan

First = Literal["time", "cost"]

NODES = 1_000
"""Branches searched in one level; the best answer by then stands, told with how far it may be from the best."""

PROVEN = 1e-7
"""How near to the best a level is searched for, relatively."""

LONG = 3_600.0
"""Seconds that count as one in the level of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A programme of a task with dollars in units of `unit`. Numbers of its columns: by lane what is sent, by the first lane of a
    transfer whether it is open (`parts`: its lanes), by cut, by need what is missing, by (failure, need) what is missing after
    it, by (failure, cut) what is reduced beside then. `limit_rows`: by limit."""

    laid: Laid
    programme: Programme
    unit: float
    sent: Mapping[int, int]
    opened: Mapping[int, int]
    parts: Mapping[int, tuple[int, ...]]
    reduced: Mapping[int, int]
    short: Mapping[int, int]
    short_after: Mapping[tuple[int, int], int]
    reduced_after: Mapping[tuple[int, int], int]
    limit_rows: Mapping[int, int]


def build_of(laid: Laid, *, seconds: float = np.inf, nodes: int = NODES, opened: Floats | None = None) -> Build:
    """Lay the programme out. opened : (L,) which lanes are open; left out, that is to be found."""
    task, unit = laid.task, max((one.dollars for one in laid.task.needs), default=1.0) or 1.0
    programme = Programme(gap=PROVEN, nodes=nodes, seconds=seconds)
    sent: dict[int, int] = {}
    gates: dict[int, int] = {}
    parts = _parts(laid)
    for first, lanes in parts.items():
        columns, gate = _transfer_columns(programme, laid, lanes, unit, opened)
        sent.update(zip(lanes, columns, strict=True))
        if gate is not None:
            gates[first] = gate
    reduced = {
        k: programme.column(0.0, 0.0, task.cuts[k].dollars / unit) for k in np.flatnonzero(laid.cuttable).tolist()
    }
    short = {n: programme.column(0.0, 0.0, one.dollars / unit) for n, one in enumerate(task.needs)}
    asked = [(int(f), int(n)) for f, n in zip(*np.nonzero(laid.asked), strict=True)]
    after = {(f, n): programme.column(0.0, 0.0, task.needs[n].dollars / unit) for f, n in asked}
    later = {
        (f, k): programme.column(0.0, 0.0, task.cuts[k].dollars / unit)
        for f, n in asked
        for k in reduced
        if task.cuts[k].need == n and laid.cut_survives[f, k]
    }
    for (_, k), column in later.items():
        programme.row(-np.inf, task.cuts[k].dollars / unit, [column, reduced[k]], [1.0, 1.0])
    build = Build(
        laid=laid, programme=programme, unit=unit, sent=sent, opened=gates, parts=parts, reduced=reduced, short=short,
        short_after=after, reduced_after=later, limit_rows=dict(_limit_rows(laid, programme, sent, unit)),
    )  # fmt: skip
    for need, column in short.items():
        _need_row(build, need, column, None)
    for (failure, need), column in after.items():
        _need_row(build, need, column, failure)
    return build


def columns_of(build: Build, plan: Plan) -> Floats:
    """(columns,) that a plan is, with a cent more missing than is, so that no rounding makes it impossible."""
    out, unit, names = np.zeros(build.programme.columns), build.unit, [one.name for one in build.laid.task.failures]
    for lane, column in build.sent.items():
        out[column] = plan.sent[lane] / unit
    brings = build.laid.brings(plan.sent)
    for first, gate in build.opened.items():
        lanes = list(build.parts[first])
        out[gate] = float(plan.sent[lanes].any())
        if len(lanes) > 1:
            out[[build.sent[lane] for lane in lanes]] = brings[lanes] / build.laid.gain[lanes] / unit
            out[build.sent[first]] += out[gate] * build.laid.fixed[first] / build.laid.gain[first] / unit
    for cut, column in build.reduced.items():
        out[column] = plan.reduced[cut] / unit
    for (failure, cut), column in build.reduced_after.items():
        out[column] = plan.reduced_after[names[failure]][cut] / unit
    wanted = [one.dollars for one in build.laid.task.needs]
    for need, column in build.short.items():
        out[column] = min(plan.short[need] + CENT, wanted[need]) / unit
    for (failure, need), column in build.short_after.items():
        out[column] = min(plan.short_after[names[failure]][need] + CENT, wanted[need]) / unit
    return out


def sent_of(build: Build, columns: Floats) -> Floats:
    """(L,) dollars that columns send over each lane; what rounding takes off a route's least would be lost there."""
    laid, sent = build.laid, np.zeros(len(build.laid.task.lanes))
    for lane, column in build.sent.items():
        sent[lane] = columns[column] * build.unit
    sent = np.where(sent > CENT, sent, 0.0)
    for first in build.opened:
        lanes = list(build.parts[first])
        if len(lanes) > 1 and sent[lanes].any():
            brings = np.zeros(sent.size)
            brings[lanes] = laid.gain[lanes] * sent[lanes]
            brings[first] -= laid.fixed[first]
            sent[lanes] = laid.sending(np.where(brings > CENT, brings, 0.0))[lanes]
        whole = float(sent[lanes].sum())
        sent[lanes] *= max(laid.least[first] / whole, 1.0) if whole > 0.0 else 0.0
    return sent


def _parts(laid: Laid) -> dict[int, tuple[int, ...]]:
    """Lanes that count, by the first of their transfer among them."""
    found: dict[int, list[int]] = {}
    for lane in np.flatnonzero(laid.usable).tolist():
        found.setdefault(int(laid.transfer[lane]), []).append(lane)
    return {lanes[0]: tuple(lanes) for lanes in found.values()}


def _transfer_columns(
    programme: Programme, laid: Laid, lanes: tuple[int, ...], unit: float, opened: Floats | None
) -> tuple[list[int], int | None]:
    """What each lane of a transfer sends and whether it is open, where that makes a difference. Where that is given, no other
    limit than its own is in the columns, so that those of rows have their prices."""
    first = lanes[0]
    least, gated = laid.least[first] / unit, laid.fixed[first] > 0.0 or laid.least[first] > 0.0
    if opened is None:
        columns = [programme.column(0.0, 0.0, laid.most[lane] / unit) for lane in lanes]
        gate = programme.column(0.0, 0.0, 1.0, whole=True) if gated else None
    else:
        is_open = float(opened[list(lanes)].any()) if gated else 1.0
        columns = [programme.column(0.0, 0.0, is_open and laid.alone[lane] / unit) for lane in lanes]
        gate = programme.column(0.0, is_open, is_open) if gated else None
    if gate is None:
        return columns, None
    for lane, column in zip(lanes, columns, strict=True) if opened is None else ():
        programme.row(-np.inf, 0.0, [column, gate], [1.0, -laid.most[lane] / unit])
    programme.row(0.0, np.inf, [*columns, gate], [*(1.0 for _ in columns), -least])
    if len(lanes) > 1:
        programme.row(0.0, np.inf, [columns[0], gate], [laid.gain[first], -laid.fixed[first] / unit])
    return columns, gate


def _limit_rows(laid: Laid, programme: Programme, sent: Mapping[int, int], unit: float) -> Iterator[tuple[int, int]]:
    for number, limit in enumerate(laid.limits):
        columns = [sent[lane] for lane in limit.lanes if lane in sent]
        if columns:
            yield number, programme.row(-np.inf, limit.dollars / unit, columns, [1.0] * len(columns))


def _need_row(build: Build, need: int, short: int, failure: int | None) -> None:
    """What arrives over what goes on, what is reduced and what is missing make the need."""
    laid, unit = build.laid, build.unit
    columns, values = [short], [1.0]
    for lane, column in build.sent.items():
        if laid.need[lane] == need and (failure is None or laid.survives[failure, lane]):
            columns.append(column)
            values.append(laid.gain[lane])
            if lane in build.opened:
                columns.append(build.opened[lane])
                values.append(-laid.fixed[lane] / unit)
    for cut, column in build.reduced.items():
        if laid.task.cuts[cut].need == need and (failure is None or laid.cut_survives[failure, cut]):
            columns.append(column)
            values.append(1.0)
            if failure is not None:
                columns.append(build.reduced_after[failure, cut])
                values.append(1.0)
    build.programme.row(laid.task.needs[need].dollars / unit, np.inf, columns, values)


def levels(build: Build, first: First) -> list[Floats]:
    """What is minimised, in order: (columns,) each."""
    laid, task = build.laid, build.laid.task
    missing, given, after, time, cost = (np.zeros(build.programme.columns) for _ in range(5))
    for need, column in (*build.short.items(), *((need, column) for (_, need), column in build.short_after.items())):
        missing[column] = task.needs[need].weight
    for cut, column in build.reduced.items():
        given[column], cost[column] = 1.0, task.cuts[cut].rate
    after[list(build.reduced_after.values())] = 1.0
    for lane, column in build.sent.items():
        time[column] = laid.seconds[lane] / LONG
        cost[column] = laid.rate[lane] + task.waiting * laid.typical[lane]
        if lane in build.opened:
            cost[build.opened[lane]] = laid.charge[lane] / build.unit
    return [missing, given, after, *((time, cost) if first == "time" else (cost, time))]
