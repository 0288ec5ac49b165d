"""Tails as text: each figure with its interval, the Gaussian null beside it, and the points it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from perpbook.report.text import table
from perpbook.report.words import NONE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from perpbook.tails.dependence import PairTails
    from perpbook.tails.estimate import AgainstNull, Estimate
    from perpbook.tails.found import TailReport
    from perpbook.tails.hedge import HedgeReport
    from perpbook.tails.losses import Shortfall
    from perpbook.tails.stressed import StressedMatrix

NULL_COLUMNS = ("seen", "95 %", "Gaussian", "excess", "p", "points")


def tell_tails(console: Console, report: TailReport) -> None:
    """The whole report, the answer first."""
    console.print(
        f"{report.venue} {', '.join(report.names)}: {report.rows:,} joint bars, {report.start} to {report.end}"
    )
    if report.simulated:
        console.print("SIMULATED prices: no market ever made them.")
    for sentence in sentences_of(report):
        console.print(sentence)
    console.print()
    _tell_pairs(console, report)
    _tell_copulas(console, [*report.raw, *report.filtered])
    _tell_stressed(console, report.stressed)
    _tell_rolling(console, report)
    _tell_shortfalls(console, report.shortfalls, report.level)
    if report.hedges:
        console.print(hedge_table(report.hedges))
    console.print(
        f"Intervals: {report.draws:,} resamples of joint rows in blocks of {report.mean_block:.0f} bars on average, "
        f"seed {report.seed}. Gaussian: what jointly normal moves of the same overall dependence show; p: of an excess "
        "that large by chance, two-sided. Fewer than 20 tail points are called insufficient."
    )
    for note in report.notes:
        console.print(f"Note: {note}.")


def sentences_of(report: TailReport) -> list[str]:
    """What matters, in words: how often pairs fall together, and what the hedges leave."""
    out = []
    for pair in report.filtered:
        fall = next(one for one in pair.dependence if one.side == "lower" and one.estimate.level == report.level)
        out.append(_fall(pair, fall, report.level))
    for hedge in report.hedges:
        left = hedge.tails[0].unhedged
        if left.estimate.value is None:
            out.append(f"Long {hedge.asset}, short {hedge.hedge}: {left.estimate.why}.")
            continue
        out.append(
            f"Long {hedge.asset}, short {_number(hedge.beta.value)} of {hedge.hedge}: in the worst {100 * report.level:g} % of "
            f"{hedge.asset}'s bars {_share(left.estimate)} of its loss stays unhedged."
        )
    return out


def _fall(pair: PairTails, fall: AgainstNull, level: float) -> str:
    who = f"{pair.first} and {pair.second}"
    if fall.estimate.value is None or fall.null is None:
        return f"{who}: {fall.estimate.why or 'no null'}."
    sure = "more" if fall.excess.value is not None and fall.excess.value > 0 else "less"
    if fall.p_value is None or fall.p_value > 0.05:
        sure = "no surer to differ than chance"
    return (
        f"{who}: when one has its worst {100 * level:g} % of bars, so does the other {_share(fall.estimate)} of the time, "
        f"volatility filtered out; Gaussian moves would {fall.null:.0%} ({sure}, p {_p(fall.p_value)})."
    )


def _tell_pairs(console: Console, report: TailReport) -> None:
    made = table(f"Together beyond {100 * report.level:g} %", "pair", "moves", "measure", "side", *NULL_COLUMNS, left=4)
    for pair in (*report.raw, *report.filtered):
        groups = (("tail dep.", pair.dependence), ("exc. corr.", pair.exceedance), ("cond. corr.", pair.conditional))
        for name, figures in groups:
            for one in figures:
                if one.estimate.level == report.level:
                    kind = "filtered" if pair.filtered else "raw"
                    made.add_row(f"{pair.first} {pair.second}", kind, name, str(one.side), *_cells(one))
    console.print(made)


def _tell_copulas(console: Console, pairs: Iterable[PairTails]) -> None:
    made = table("Student's copula", "pair", "moves", "rho", "95 %", "nu", "95 %", "limit", "95 %", left=2)
    bound = False
    for pair in pairs:
        one = pair.student
        bound = bound or one.at_bound
        cells = [
            cell for part in (one.rho, one.nu, one.tail_dependence) for cell in (_number(part.value), _range(part))
        ]
        cells[2] += "*" if one.at_bound else ""
        made.add_row(f"{pair.first} {pair.second}", "filtered" if pair.filtered else "raw", *cells)
    console.print(made)
    if bound:
        console.print("* nu ran into the end of its range: no fatter than Gaussian, for all one can tell.")


def _tell_stressed(console: Console, stressed: StressedMatrix) -> None:
    title = f"Correlation (normal scores) in the market's worst {100 * stressed.level:g} % of bars; market: {stressed.market}"
    if stressed.stressed is None:
        console.print(f"{title}: {stressed.why}.")
        return
    made = table(title, "pair", "usual", *NULL_COLUMNS, "implied", "stressed")
    index = {name: row for row, name in enumerate(stressed.names)}
    for pair in stressed.pairs:
        a, b = index[pair.first], index[pair.second]
        made.add_row(
            f"{pair.first} {pair.second}", _number(stressed.usual[a][b]), *_cells(pair.seen),
            _number(pair.implied.value), _number(stressed.stressed[a][b]),
        )  # fmt: skip
    console.print(made)
    console.print(
        "implied: of all bars, if they behaved as the worst do. stressed: implied, with "
        f"{stressed.weight:.1%} of the usual one for what is not known."
    )
    for one in stressed.windows:
        told = f"{_number(one.correlation.value)} {_range(one.correlation)}, {one.correlation.points} bars"
        console.print(f"{one.window}: {one.first} {one.second} {one.correlation.why or told}")


def _tell_rolling(console: Console, report: TailReport) -> None:
    rolling = report.rolling
    made = table(
        f"Calm half and wildest tenth of {rolling.windows:,} windows of {rolling.rows} bars",
        "pair", "windows", *NULL_COLUMNS, "rolling quartiles", left=2,
    )  # fmt: skip
    for pair in rolling.pairs:
        _, lower, _, upper, _ = pair.rolling
        made.add_row(f"{pair.first} {pair.second}", "calm", *_cells(pair.calm), f"{lower:.2f} {upper:.2f}")
        made.add_row("", "stress", *_cells(pair.stress), "")
    console.print(made)


def _tell_shortfalls(console: Console, shortfalls: Sequence[Shortfall], level: float) -> None:
    made = table(
        f"Expected shortfall of one bar beyond {100 * level:g} %",
        "coin", "held", "method", "shortfall", "95 %", "points", left=3,
    )  # fmt: skip
    remarks = []
    for one in shortfalls:
        held = "long" if one.side == "lower" else "short"
        found = one.expected
        made.add_row(
            one.series, held, str(one.method), NONE if found.value is None else f"{found.value:.2%}",
            NONE if found.low is None or found.high is None else f"{found.low:.2%} {found.high:.2%}", f"{found.points:,}",
        )  # fmt: skip
        if found.why:
            remarks.append(f"{one.series} {held}, {one.method}: {found.why}.")
    console.print(made)
    for remark in remarks:
        console.print(remark)


def hedge_table(hedges: Sequence[HedgeReport]) -> Table:
    """Beta, correlation and what stays unhedged, in the calm and in both tails."""
    made = table("Hedges: long the first, short beta of the second", "pair", "figure", "where", *NULL_COLUMNS, left=3)
    for one in hedges:
        who = f"{one.asset} {one.hedge}"
        made.add_row(who, "beta", "all", _number(one.beta.value), _range(one.beta), "", "", "", f"{one.beta.points:,}")
        made.add_row(
            who,
            "beta",
            "calm",
            _number(one.calm_beta.value),
            _range(one.calm_beta),
            "",
            "",
            "",
            f"{one.calm_beta.points:,}",
        )
        made.add_row(who, "correlation", "calm", *_cells(one.calm_correlation))
        for tail in one.tails:
            made.add_row(who, "beta", str(tail.side), *_cells(tail.beta))
            made.add_row(who, "correlation", str(tail.side), *_cells(tail.correlation))
            made.add_row(who, "unhedged", str(tail.side), *_cells(tail.unhedged))
        made.add_row(who, "shortfall left", "", *_cells(one.shortfall_left))
    return made


def _cells(one: AgainstNull) -> tuple[str, ...]:
    """seen, interval, null, excess, p, points."""
    estimate = one.estimate
    if estimate.value is None:
        why = "insufficient" if estimate.why.startswith("insufficient") else "undefined"
        return why, NONE, _number(one.null), NONE, NONE, f"{estimate.points:,}"
    excess = NONE if one.excess.value is None else f"{one.excess.value:+.2f}"
    return (
        _number(estimate.value), _range(estimate), _number(one.null), excess, _p(one.p_value), f"{estimate.points:,}",
    )  # fmt: skip


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _range(one: Estimate) -> str:
    return NONE if one.low is None or one.high is None else f"{one.low:.2f} {one.high:.2f}"


def _share(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return one.why
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


def _p(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
