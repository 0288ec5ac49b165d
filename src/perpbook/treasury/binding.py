"""What holds a plan back, in words, with the price of one more dollar where the programme has one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.flow import LONG, Build, First, build_of, levels
from perpbook.treasury.layout import CENT, Laid

WORTH_TELLING = 1e-7
"""The least price of a dollar that is told."""


def what_binds(laid: Laid, sent: Floats, reduced: Floats, first: First) -> tuple[str, ...]:
    """Limits that are used up, with what one more dollar of each would do while the same lanes stay open; why ways do not count
    where something is missing; what is carried beside for a failure."""
    missing = laid.missing(sent, reduced)
    out = [*_limits(laid, sent, reduced, first)]
    for need in np.flatnonzero(missing > 0.0).tolist():
        out.extend(_no_way(laid, need))
    return (*out, *_spare_rails(laid, sent))


def _limits(laid: Laid, sent: Floats, reduced: Floats, first: First) -> Iterator[str]:
    used = [
        k
        for k, one in enumerate(laid.limits)
        if sent[list(one.lanes)].any() and float(sent[list(one.lanes)].sum()) >= one.dollars - CENT
    ]
    if not used:
        return
    prices, would = _prices(laid, sent, reduced, first)
    for number in used:
        limit, price = laid.limits[number], prices.get(number, 0.0)
        told = f"{limit.name} is used up ({limit.dollars:,.0f} dollars)"
        yield told if price < WORTH_TELLING else f"{told}: one more dollar there would {would.format(price)}"


def _prices(laid: Laid, sent: Floats, reduced: Floats, first: First) -> tuple[dict[int, float], str]:
    """By limit, by how much one more dollar of it makes the first level smaller that is not at its least, and that in words: what
    is missing, what would be after failures, else time or cost."""
    build = build_of(laid, opened=np.where(sent > 0.0, 1.0, 0.0))
    weights = "" if len({one.weight for one in laid.task.needs}) == 1 else ", by weight"
    costs, would = np.zeros(build.programme.columns), "leave {:,.2f} dollars less missing" + weights
    if laid.missing(sent, reduced).any():
        for need, column in build.short.items():
            costs[column] = laid.task.needs[need].weight
    elif any(laid.missing_after(f, sent, reduced).any() for f in range(len(laid.task.failures))):
        for (_, need), column in build.short_after.items():
            costs[column] = laid.task.needs[need].weight
        would = "leave {:,.2f} dollars less missing after failures, all together" + weights
        _hold(build, reduced, after=False)
    else:
        _, _, _, costs, _ = levels(build, first)
        would = "be {:,.0f} seconds sooner" if first == "time" else "save {:,.2g} dollars"
        _hold(build, reduced, after=True)
    build.programme.price(costs)
    if build.programme.solve() is None:
        return {}, would
    duals, unit = build.programme.duals(), LONG if first == "time" and "sooner" in would else 1.0
    return {number: max(-float(duals[row]), 0.0) * unit for number, row in build.limit_rows.items()}, would


def _hold(build: Build, reduced: Floats, *, after: bool) -> None:
    """Let nothing be missing, nor more be reduced than the plan does; `after`: nor after failures."""
    for column in (*build.short.values(), *(build.short_after.values() if after else ())):
        build.programme.bound(column, 0.0, 2.0 * CENT / build.unit)
    for cut, column in build.reduced.items():
        build.programme.bound(column, 0.0, reduced[cut] / build.unit)


def _no_way(laid: Laid, need: int) -> Iterator[str]:
    """Why ways to a need that is not met do not count for it."""
    task = laid.task
    one = task.needs[need]
    lanes = [lane for lane in task.lanes if lane.need == need]
    if not lanes:
        yield f"no way leads to {one.place} from where there is money to spare"
        return
    unknown = [lane for lane in lanes if lane.unknown]
    late = [lane for lane in lanes if not lane.unknown and lane.seconds > one.seconds]
    if late:
        soonest = min(late, key=lambda lane: lane.seconds)
        when = (
            f"after {soonest.seconds / 60:,.0f} minutes" if np.isfinite(soonest.seconds) else "not while anybody looks"
        )
        yield (
            f"{len(late)} of {len(lanes)} ways to {one.place} come too late for {one.seconds / 60:,.0f} minutes: the soonest of "
            f"them, {soonest.words}, {when}"
        )
    if unknown:
        figures = ", ".join(sorted({figure for lane in unknown for figure in lane.unknown}))
        yield f"{len(unknown)} of {len(lanes)} ways to {one.place} carry nothing until these are known: {figures}"


def _spare_rails(laid: Laid, sent: Floats) -> Iterator[str]:
    """Failures for which more is carried than is needed without one."""
    task, arriving = laid.task, laid.arriving(sent)
    for need, one in enumerate(task.needs):
        extra = float(arriving[need]) - one.dollars
        left = [float(laid.arriving(sent, laid.survives[f])[need]) for f in range(len(task.failures))]
        held = [
            failure.name
            for f, failure in enumerate(task.failures)
            if laid.asked[f, need] and one.dollars - CENT <= left[f] < float(arriving[need]) - CENT
        ]
        if extra > 1.0 and held:
            yield f"{extra:,.0f} dollars more than asked go to {one.place}: it has enough without {', or without '.join(held)}"
