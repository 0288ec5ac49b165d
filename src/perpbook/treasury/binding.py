"""What holds a plan back, in words, with the price of one more dollar where the programme has one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.flow import LONG, First, build_of, levels
from perpbook.treasury.layout import CENT, Laid

WORTH_TELLING = 1e-7
"""The least price of a dollar that is told."""


def what_binds(laid: Laid, sent: Floats, reduced: Floats, first: First) -> tuple[str, ...]:
    """Limits that are used up, with what one more dollar of each would do while the same lanes stay open; why ways do not count
    where something is missing; what is carried beside for a failure."""
    missing = laid.missing(sent, reduced)
    after = [
        laid.missing_after(f, sent, reduced + laid.reduced_after(f, sent, reduced))
        for f in range(len(laid.task.failures))
    ]
    short = bool(missing.any()) or any(one.any() for one in after)
    out = [*_limits(laid, sent, reduced, first, short=short)]
    for need in np.flatnonzero(missing > 0.0).tolist():
        out.extend(_no_way(laid, need))
    return (*out, *_spare_rails(laid, sent))


def _limits(laid: Laid, sent: Floats, reduced: Floats, first: First, *, short: bool) -> Iterator[str]:
    prices = _prices(laid, sent, reduced, first, short=short)
    for number, limit in enumerate(laid.limits):
        if float(sent[list(limit.lanes)].sum()) < limit.dollars - CENT:
            continue
        price = prices.get(number, 0.0)
        told = f"{limit.name} is used up ({limit.dollars:,.0f} dollars)"
        yield told if price < WORTH_TELLING else f"{told}: one more dollar there {_worth(price, first, short=short)}"


def _worth(price: float, first: First, *, short: bool) -> str:
    if short:
        return f"would take {price:,.3g} from what is missing, weighted"
    if first == "time":
        return f"would be {price * LONG:,.0f} seconds sooner"
    return f"would save {price:,.2g} dollars"


def _prices(laid: Laid, sent: Floats, reduced: Floats, first: First, *, short: bool) -> dict[int, float]:
    """By limit, by how much one more dollar of it makes the level that is told smaller: missing dollars where there are any."""
    build = build_of(laid, opened=np.where(sent > 0.0, 1.0, 0.0))
    missing, *later = levels(build, first)
    costs = missing if short else later[2]
    if not short:
        for column in (*build.short.values(), *build.short_after.values()):
            build.programme.bound(column, 0.0, 2.0 * CENT / build.unit)
        for cut, column in build.reduced.items():
            build.programme.bound(column, 0.0, reduced[cut] / build.unit)
        for (failure, cut), column in build.reduced_after.items():
            more = laid.reduced_after(failure, sent, reduced)[cut]
            build.programme.bound(column, 0.0, (more + CENT) / build.unit)
    build.programme.price(costs)
    if build.programme.solve() is None:
        return {}
    duals = build.programme.duals()
    return {number: max(-float(duals[row]), 0.0) for number, row in build.limit_rows.items()}


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
