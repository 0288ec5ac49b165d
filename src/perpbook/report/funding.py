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
    from perpbook.funding.paid import FundingPaid
    from perpbook.funding.scores import Scores
    from perpbook.funding.settlement import NextSettlement


def tell_desk(console: Console, desk: FundingDesk) -> None:
    """The whole desk, the answer first. Cash: received > 0 > paid."""
    if desk.simulated:
        console.print("SIMULATED: prices or funding here were never any market's.")
    console.print(_first_line(desk))
    if (said := paid_words(desk)) != "":
        console.print(said)
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


def paid_words(desk: FundingDesk) -> str:
    """What the longest window that is known came to; empty where none is."""
    book = next((row.cash for row in desk.paid if row.kind == "book"), {})
    known = [(days, cash) for days, cash in book.items() if cash is not None]
    if not known:
        return ""
    days, cash = max(known)
    part = f" ({share(cash / desk.equity, 2)} of equity)" if desk.equity > 0 else ""
    return f"At their present size these positions would have been paid {change(cash)}{part} over the last {days}d."


def _tell_now(console: Console, desk: FundingDesk) -> None:
    made = table("Now", "position", "exposure", "rate", "every", "a year", "cash", "rank", "z")
    for one in desk.positions:
        skew = one.skew
        made.add_row(
            f"{one.symbol} @ {one.account}", change(one.exposure), rate(one.last_rate), length(one.interval_ns),
            share(one.annual_rate), change(one.now),
            NONE if skew is None or skew.percentile is None else f"{skew.percentile:.0%}",
            NONE if skew is None or skew.z_score is None else f"{skew.z_score:+.1f}",
        )  # fmt: skip
    console.print(made)


def _tell_ahead(console: Console, desk: FundingDesk) -> None:
    made = table(
        f"Next {length(desk.horizon_ns)}, intervals of {desk.level:.0%}", "position", "cash", "from", "to", "model", "sign",
        "flip", "half-life", "held", left=1,
    )  # fmt: skip
    for one in desk.positions:
        made.add_row(f"{one.symbol} @ {one.account}", *_ahead_cells(one))
    console.print(made)
    console.print(
        "rank: share of 90 days with a lower rate. sign: chance that the sum has the other sign than the last rate. flip: that "
        "one settlement within has. half-life: of a departure of the premium. held: how often such intervals held so far, "
        "walking forward."
    )


def _ahead_cells(one: PositionFunding) -> tuple[str, ...]:
    ahead = one.ahead
    if ahead is None:
        return (NONE,) * 8
    told = ahead.forecast
    return (
        whole(ahead.mean), whole(ahead.low), whole(ahead.high), told.model, share(told.flip, 0),
        NONE if ahead.flip is None or ahead.flip.sign == 0 else share(ahead.flip.chance, 0), length(told.half_life_ns),
        NONE if ahead.coverage is None else share(ahead.coverage.held, 0),
    )  # fmt: skip


def whole(cash: float) -> str:
    """Dollars gained or lost, without cents from ten up."""
    return change(float(round(cash))).removesuffix(".00") if abs(cash) >= 10 else change(cash)


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


def tell_paid(console: Console, paid: FundingPaid) -> None:
    """What a run's funding came to. Cash: received > 0 > paid."""
    if paid.simulated:
        console.print("SIMULATED: prices or funding here were never any market's.")
    console.print(
        f"{to_iso(paid.start_ns)} to {to_iso(paid.end_ns)}: {change(paid.whole)} of funding over {paid.settlements:,} "
        f"settlements, {share(paid.share, 2)} of the equity at the start; {share(paid.drag, 2)} of drag, compounded."
    )
    if not paid.rows:
        return
    days = list(paid.rows[0].cash)
    made = table("Paid (-) and received (+)", "of", "", *(f"{one} d" for one in days), "all", left=2)
    for row in paid.rows:
        made.add_row(row.kind, row.key, *(change(row.cash[one]) for one in days), change(row.whole))
    console.print(made)


def tell_next(console: Console, found: NextSettlement) -> None:
    """The coming settlement, and how much of it is past."""
    console.print(
        f"{to_iso(found.time_ns)}: {rate(found.rate)} if the premium stays as it is; {rate(found.least)} to {rate(found.most)} "
        f"if it swings for the rest. {share(found.settled_share, 0)} of the average is past."
    )
    if found.at_interest:
        console.print("The premium lies within the clamp: the rate is the interest, whatever it is exactly.")


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
    """Each contract and horizon: the best, what was trusted beside the last value, how intervals held; then all at once."""
    if any(one.simulated for one in found):
        console.print("SIMULATED: funding here was never any market's.")
    console.print("Errors are mean absolute ones over the last value's, and root mean square ones; below 1 is better.")
    made = table(
        "Walking forward", "contract", "over", "best", "its error", "trusted", "rms", "now", "held", "normal", "crowded",
    )  # fmt: skip
    for one in found:
        best = next(score for score in one.models if score.model == one.winner)
        made.add_row(
            f"{one.venue} {one.symbol}", length(one.horizon_ns), one.winner, f"{best.absolute_ratio:.2f}",
            f"{one.trusted.absolute_ratio:.2f}", f"{one.trusted.square_ratio:.2f}", one.now, *_coverage_cells(one),
        )  # fmt: skip
    console.print(made)
    console.print(
        "best: the smallest error of all, known afterwards. trusted: the model taken at each time, by what was known then. now: "
        "the one taken now. held: how often its intervals held."
    )
    _tell_models(console, found)


def _tell_models(console: Console, found: Sequence[Scores]) -> None:
    """The mean over contracts, by venue and horizon, of each model's error over the last value's."""
    groups = list(dict.fromkeys((one.venue, one.horizon_ns) for one in found))
    heads = [f"{venue} {length(horizon)}" for venue, horizon in groups]
    made = table("Mean over contracts: absolute / square error over the last value's", "model", *heads)
    names = [one.model for one in found[0].models] + [found[0].trusted.model]
    for row, name in enumerate(names):
        cells = []
        for group in groups:
            mine = [(*one.models, one.trusted)[row] for one in found if (one.venue, one.horizon_ns) == group]
            cells.append(
                f"{sum(one.absolute_ratio for one in mine) / len(mine):.2f} / "
                f"{sum(one.square_ratio for one in mine) / len(mine):.2f}"
            )
        made.add_row(name, *cells)
    console.print(made)


def _coverage_cells(one: Scores) -> tuple[str, str, str]:
    told = one.coverage
    return (NONE, NONE, NONE) if told is None else (share(told.held), share(told.normal), share(told.crowded))


def rate(value: float | None) -> str:
    """A rate of one interval, or a sum of rates: percent to four digits."""
    return NONE if value is None else f"{100 * (round(value, 6) or 0.0):.4f} %"


def length(span_ns: int | None) -> str:
    """A span in days from two days up and in whole days, else in hours."""
    if span_ns is None:
        return NONE
    if span_ns % DAY_NS == 0:
        return f"{span_ns // DAY_NS}d"
    return f"{span_ns / HOUR_NS:.3g}h" if span_ns < 3 * DAY_NS else f"{span_ns / DAY_NS:.3g}d"
