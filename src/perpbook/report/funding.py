"""Funding as text: what is paid now, what is expected and how surely, what it would have cost; and models' scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perpbook.model.units import DAY_NS, HOUR_NS, to_iso
from perpbook.report.text import table
from perpbook.report.words import NONE, change, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.funding.desk import FundingDesk, PositionFunding
    from perpbook.funding.scores import Coverage, Scores


def tell_desk(console: Console, desk: FundingDesk) -> None:
    """The whole desk, the answer first. Cash: received > 0 > paid."""
    if desk.simulated:
        console.print("SIMULATED: prices or funding here were never any market's.")
    console.print(_first_line(desk))
    _tell_now(console, desk)
    _tell_ahead(console, desk)
    _tell_paid(console, desk)
    _tell_terms(console, desk)
    for one in desk.positions:
        if one.why:
            console.print(f"{one.venue} {one.symbol}: {one.why}.")
    for note in desk.notes:
        console.print(f"Note: {note}.")
    console.print(
        "Cash is dollars, received > 0. Rates are of notional, > 0: longs pay; a year is 365 days, nothing reinvested. What was "
        "paid is what these positions would have been paid at their present size and price; the ledger of a run tells its own."
    )


def _first_line(desk: FundingDesk) -> str:
    ahead = f"the next {length(desk.horizon_ns)}"
    if desk.expected is None:
        return f"{to_iso(desk.as_of_ns)}: what {ahead} will cost is not known for every position."
    part = share(desk.expected / desk.equity, 2) if desk.equity > 0 else NONE
    return (
        f"{to_iso(desk.as_of_ns)}: {ahead} {change(desk.expected)} expected ({part} of equity), {change(desk.low)} to "
        f"{change(desk.high)} if every interval of {desk.level:.0%} came out at the same end."
    )


def _tell_now(console: Console, desk: FundingDesk) -> None:
    made = table(
        "Now", "account", "contract", "exposure", "rate", "every", "a year", "cash", "percentile", "z", left=2
    )
    for one in desk.positions:
        skew = one.skew
        made.add_row(
            one.account, f"{one.venue} {one.symbol}", change(one.exposure), rate(one.last_rate), length(one.interval_ns),
            share(one.annual_rate), change(one.now),
            NONE if skew is None or skew.percentile is None else f"{skew.percentile:.0%}",
            NONE if skew is None or skew.z_score is None else f"{skew.z_score:+.1f}",
        )  # fmt: skip
    console.print(made)


def _tell_ahead(console: Console, desk: FundingDesk) -> None:
    made = table(
        f"Next {length(desk.horizon_ns)}, intervals of {desk.level:.0%}", "account", "contract", "cash", "from", "to", "model",
        "other sign", "flip within", "half-life", "held before", left=2,
    )  # fmt: skip
    for one in desk.positions:
        made.add_row(one.account, f"{one.venue} {one.symbol}", *_ahead_cells(one))
    console.print(made)
    console.print(
        "other sign: chance that the sum has the other sign than the last rate. flip within: chance that one settlement has. "
        "half-life: of a departure of the premium. held before: how often such intervals held so far, walking forward."
    )


def _ahead_cells(one: PositionFunding) -> tuple[str, ...]:
    ahead = one.ahead
    if ahead is None:
        return (NONE,) * 8
    told = ahead.forecast
    return (
        change(ahead.mean), change(ahead.low), change(ahead.high), told.model, share(told.flip, 0),
        NONE if ahead.flip is None or ahead.flip.sign == 0 else share(ahead.flip.chance, 0), length(told.half_life_ns),
        held(ahead.coverage),
    )  # fmt: skip


def held(coverage: Coverage | None) -> str:
    """Realised coverage, of all and by regime."""
    if coverage is None:
        return NONE
    parts = [f"{name} {value:.0%}" for name, value in (("normal", coverage.normal), ("crowded", coverage.crowded)) if value]
    return f"{coverage.held:.0%}" + (f" ({', '.join(parts)})" if parts else "")


def _tell_paid(console: Console, desk: FundingDesk) -> None:
    days = list(desk.drag)
    made = table("Paid at the present size", "of", "", *(f"{one} d" for one in days), left=2)
    for row in desk.paid:
        made.add_row(row.kind, row.key, *(change(row.cash[one]) for one in days))
    book = next((row for row in desk.paid if row.kind == "book"), None)
    if book is not None and desk.equity > 0:
        cash = [book.cash[one] for one in days]
        made.add_row("book", "share of equity", *(NONE if one is None else share(one / desk.equity, 2) for one in cash))
        made.add_row("book", "drag, compounded", *(share(desk.drag[one], 2) for one in days))
    console.print(made)


def _tell_terms(console: Console, desk: FundingDesk) -> None:
    if not desk.term_structure:
        return
    days = list(desk.term_structure[0].trailing)
    made = table(
        "By venue, annualised simply", "asset", "venue", "every", "last", *(f"{one} d" for one in days),
        f"next {length(desk.horizon_ns)}", left=2,
    )  # fmt: skip
    for row in desk.term_structure:
        made.add_row(
            row.asset, f"{row.venue} {row.symbol}", length(row.interval_ns), share(row.last),
            *(share(row.trailing[one]) for one in days), share(row.expected),
        )  # fmt: skip
    console.print(made)


def tell_scores(console: Console, found: Sequence[Scores]) -> None:
    """Each contract and horizon: mean absolute errors over the last value's, the winner, and how intervals held."""
    names = [one.model for one in found[0].models][1:]
    made = table(
        "Mean absolute error over that of the last value; below 1 is better", "contract", "over", *names, "trusted", "now",
        left=1,
    )  # fmt: skip
    for one in found:
        cells = [f"{score.absolute_ratio:.2f}" + ("*" if score.model == one.winner else "") for score in one.models[1:]]
        made.add_row(
            f"{one.venue} {one.symbol}", length(one.horizon_ns), *cells, f"{one.trusted.absolute_ratio:.2f}", one.now
        )
    console.print(made)
    console.print(
        "*: the smallest of all. trusted: the model that was taken at each time, by what was known then; now: the one taken now."
    )
    made = table(
        "Intervals of the trusted model, beside the last value's", "contract", "over", "held", "normal", "crowded",
        "forecasts", "width", "pinball", "pinball of last",
    )  # fmt: skip
    for one in found:
        made.add_row(f"{one.venue} {one.symbol}", length(one.horizon_ns), *_coverage_cells(one))
    console.print(made)


def _coverage_cells(one: Scores) -> tuple[str, ...]:
    told, last = one.coverage, one.coverage_of_last
    if told is None:
        return (NONE,) * 7
    return (
        share(told.held), share(told.normal), share(told.crowded), f"{told.forecasts:,}", rate(told.width), rate(told.pinball),
        rate(None if last is None else last.pinball),
    )  # fmt: skip


def rate(value: float | None) -> str:
    """A rate of one interval, or a sum of rates: percent to four digits."""
    return NONE if value is None else f"{100 * value:.4f} %"


def length(span_ns: int | None) -> str:
    """A span in days from two days up and in whole days, else in hours."""
    if span_ns is None:
        return NONE
    if span_ns % DAY_NS == 0:
        return f"{span_ns // DAY_NS}d"
    return f"{span_ns / HOUR_NS:.3g}h" if span_ns < 3 * DAY_NS else f"{span_ns / DAY_NS:.3g}d"
