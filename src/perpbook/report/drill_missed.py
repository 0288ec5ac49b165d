"""What the usual metrics said of the book, beside what the drill found: from the drill's own futures, the book left alone.

The metrics know no rules, so they stand beside the side without the playbook.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.engine.drilled import Drilled
from perpbook.engine.standard import Standard
from perpbook.kernels.drill import END, FIRST
from perpbook.report.drill_measures import FEWEST, DrillMeasures
from perpbook.report.drill_text import named, share, sides_of
from perpbook.report.spoken import length, move

NEVER = "no account dies in any future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One metric: what it said, and what the drill says to it."""

    metric: str
    said: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The drill's own losses, shares of book equity at the start: that which 5 % of futures exceed, and the mean of the worst
    2.5 % (None of too few); `quiet` is the share of the deadly futures in which the book as a whole ends with no larger loss
    than the normal law's value at risk (None: nobody dies, or no law)."""

    beyond: float | None
    shortfall: float | None
    quiet: float | None


def losses_of(drilled: Drilled, standard: Standard) -> Loss:
    """Read from every future, the book left alone."""
    futures = drilled.without
    lost = 1.0 - futures.figures[:, END] / futures.start
    dead = futures.figures[:, FIRST] < futures.steps
    tail = int(0.025 * lost.size)
    law = standard.law
    return Loss(
        beyond=float(np.quantile(lost, 0.95)) if lost.size >= FEWEST else None,
        shortfall=float(np.sort(lost)[lost.size - tail :].mean()) if tail >= FEWEST else None,
        quiet=float((lost[dead] <= law.value_at_risk).mean()) if law is not None and dead.any() else None,
    )


def missed_of(drilled: Drilled) -> tuple[Missed, ...]:
    """Every metric with its answer; empty for a drill that was kept without them."""
    standard = drilled.standard
    if standard is None:
        return ()
    without, loss = sides_of(drilled)[1], losses_of(drilled, standard)
    dies = _dies(drilled, without)
    rows = [
        Missed(
            metric="Gross leverage",
            said=f"{standard.gross_leverage:.2f}x of book equity (net {standard.net_leverage:+.2f}x)",
            found=f"it does not say which account stands alone: {dies}",
        ),
        _margin(standard, without),
        _distance(standard, without),
    ]
    return (*rows, *_normal(standard, loss, without.paths))


def _dies(drilled: Drilled, side: DrillMeasures) -> str:
    """How often what dies, in words."""
    worst = max(side.accounts, key=lambda one: one.dies.count, default=None)
    if worst is None or not worst.dies.count:
        return NEVER
    if side.paths == 1:
        return f"{named(drilled, worst.account)} dies"
    return f"{named(drilled, worst.account)} dies in {worst.dies.count:,} of {side.paths:,} futures ({share(worst.dies.share)})"


def _margin(standard: Standard, side: DrillMeasures) -> Missed:
    first = max(side.accounts, key=lambda one: one.first.count, default=None)
    if first is None or not first.first.count:
        found = NEVER
    elif first.account == standard.tightest:
        found = f"it is the right account, not how soon: {_when(side, first.account)}"
    else:
        found = f"another is the first to die: {_when(side, first.account)}"
    said = f"{standard.margin_ratio:.1%} at most, in {standard.tightest} (liquidation at 100 %)"
    return Missed(metric="Margin ratio", said=said if standard.tightest else "no account has positions", found=found)


def _when(side: DrillMeasures, account: str) -> str:
    one = next(one for one in side.accounts if one.account == account)
    hours = length(one.median_hours) if one.median_hours is not None else "some time"
    if side.paths == 1:
        return f"{account} dies after {hours}"
    return f"{account} dies in {share(one.dies.share)} of futures, half of those within {hours}"


def _distance(standard: Standard, side: DrillMeasures) -> Missed:
    if standard.distance is None:
        said = "no price alone liquidates anything"
    else:
        said = f"{move(standard.distance)} of {standard.nearest}, every other price standing still"
    if standard.joint_move is not None:
        said += f"; {move(standard.joint_move)} of all prices together, by beta: {standard.first_to_die}"
    first = max(side.accounts, key=lambda one: one.first.count, default=None)
    if first is None or not first.first.count:
        return Missed(metric="Distance to liquidation", said=said, found=NEVER)
    alike = first.account == standard.first_to_die
    chance = "" if side.paths == 1 else f" in {first.first.count:,} of {side.paths:,} futures"
    found = f"{first.account} is the first to die{chance}"
    return Missed(
        metric="Distance to liquidation",
        said=said,
        found=f"{found}, as the distance says" if alike else f"{found}, not it",
    )


def _normal(standard: Standard, loss: Loss, paths: int) -> tuple[Missed, ...]:
    law = standard.law
    if law is None:
        return (
            Missed(
                metric="Value at risk", said="not told: the storm is gone through without history", found="one future"
            ),
        )
    how = "one asset" if law.correlation is None else f"average correlation {law.correlation:.2f}"
    beyond = (
        f"5 % of futures lose more than {loss.beyond:.1%}" if loss.beyond is not None else f"too few futures ({paths})"
    )
    tail = f"the worst 2.5 % of futures lose {loss.shortfall:.1%}" if loss.shortfall is not None else "too few futures"
    if loss.quiet is not None:
        beyond += f"; {share(loss.quiet)} of the futures that kill an account end inside it"
    return (
        Missed(
            metric="Value at risk, 95\u00a0%", said=f"a loss of {law.value_at_risk:.1%} (normal, {how})", found=beyond
        ),
        Missed(
            metric="Expected shortfall, 97.5\u00a0%",
            said=f"a loss of {law.shortfall:.1%} (the same normal)",
            found=tail,
        ),
    )


def missed_sentence(drilled: Drilled) -> str | None:
    """What they said and what came of it, in a sentence or two; None without the metrics."""
    standard = drilled.standard
    if standard is None:
        return None
    without, loss = sides_of(drilled)[1], losses_of(drilled, standard)
    said = f"the highest margin ratio was {standard.margin_ratio:.2f}, gross leverage {standard.gross_leverage:.1f}x"
    if standard.law is not None:
        said = f"95 % value at risk said \u2212{standard.law.value_at_risk:.1%}, {said}"
    told = f"{said[0].upper()}{said[1:]}. The drill: "
    if not without.dies.count:
        return f"{told}{NEVER}."
    how = "an account dies" if without.paths == 1 else f"an account dies in {share(without.dies.share)} of futures"
    if loss.quiet is not None and loss.quiet >= 0.1:
        how += (
            f", because accounts die one by one: in {share(loss.quiet)} of those futures the book as a whole loses no more than "
            "its value at risk, but what one account gains does not help another"
        )
    elif loss.quiet is not None:
        how += f", and in {share(1.0 - loss.quiet)} of those the book loses more than its value at risk"
    return f"{told}{how}."
