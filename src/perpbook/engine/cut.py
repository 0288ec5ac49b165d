"""The cheapest trims of a book, in whole lots, borne out on futures that they were not made for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.moments import Ends, Moment, ends_of, limits_of_paths
from perpbook.engine.sized import BindingFuture, Cut, Room, Tried, Uniform
from perpbook.engine.trial import Bench
from perpbook.engine.trims import Losses, Search, Task, fit_losses
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, exit_levels, fee_to_close, slippage
from perpbook.model.units import HOUR_NS
from perpbook.model.verdict import Trim
from perpbook.sizing.cheapest import Solution, cheapest_sizes
from perpbook.sizing.lots import round_to_lots
from perpbook.sizing.quantities import lot_shares, quantity_at

REFITS = 9
TIGHTER = 0.8
RESOLVES = 4
"""Times that trims are sought anew before they are shrunk together."""

ROUNDINGS = 8
TIGHTENINGS = (0.05, 0.5, 2.0, 10.0, 50.0)
"""By how many of the largest lots the bounds are tightened, in turn, when no rounding keeps them."""

HARDLY = 0.005
"""Share of futures that lose an account at the sizes a search starts from, where no common scale keeps the bounds."""

MOST_TOLD = 6
"""Futures that are told of those that bind."""

NUDGE = 0.995
"""Sizes that new futures do not bear out shrink at least by this."""

DOLLAR = 1e-3
"""Collateral added to learn what a dollar is worth, as a share of the account's equity."""

Tell = Callable[[str], object]
Moments = dict[tuple[int, int, int], Moment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Sizes before lots: the programme they solve, and the futures given up."""

    solution: Solution
    search: Search
    dropped: set[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Sizes in lots, and what the futures of a seed said to them."""

    found: Found
    sizes: Floats
    tried: Tried
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the drill's own futures tell once and for all: how large a book each bears (`order`), where it ends (`ends`, with a
    bound on the shortfall), and a drill (`futures`) of the book at `sizes` to start from."""

    order: Floats
    ends: Ends | None
    sizes: Floats
    futures: Futures | None


def look(bench: Bench, uniform: Uniform | None, tell: Tell) -> Seen:
    """One look at the futures, before any trims are sought: from the common scale, or, where none keeps the bounds, from one at
    which hardly any account dies, so that losses are still those of positions."""
    task, bounded = bench.task, bench.task.shortfall is not None
    tell("the futures that ask for most")
    order = task.scales_at(np.ones(len(task.items))).min(axis=1)
    scale = float(np.quantile(order, HARDLY)) if uniform is None else uniform.scale
    sizes = np.full(len(task.items), min(scale, 1.0))
    return Seen(
        order=order,
        ends=ends_of(task.ground) if bounded else None,
        sizes=sizes,
        futures=bench.run(sizes) if bounded else None,
    )


def cheapest(bench: Bench, seen: Seen, moments: Moments, tell: Tell) -> Found | None:
    """The cheapest sizes that keep the bounds on the drill's own futures; None when no sizes do.

    Losses are lines fitted to a drill. They are fitted again at the sizes found, until a drill of these keeps the shortfall;
    where so many accounts die there that nothing helps any more, the first lines serve, with the bound drawn tighter.
    """
    task, last = bench.task, None
    allowed = np.inf if task.shortfall is None else task.shortfall
    first = _lines(task, seen, seen.sizes, seen.futures)
    losses = first
    tell("the cheapest trims")
    for refit in range(REFITS):
        search = Search(task=task, losses=losses, allowed=allowed, moments=moments)
        solved = search.run(seen.order)
        if solved is None and (last is None or losses is first):
            return last
        if solved is None:
            losses, allowed = first, allowed * TIGHTER
            continue
        last = Found(solution=solved[0], search=search, dropped=solved[1])
        if task.shortfall is None:
            return last
        sizes, moments = solved[0].scale, search.moments
        futures = bench.run(sizes)
        short, _ = bench.shortfall(futures)
        if short is None or short <= task.shortfall * (1.0 + 1e-6):
            return last
        if losses is first and refit:
            allowed *= NUDGE * task.shortfall / short
        else:
            losses = _lines(task, seen, sizes, futures)
            allowed *= min(1.0, task.shortfall / short) if refit else 1.0
    return last


def _lines(task: Task, seen: Seen, sizes: Floats, futures: Futures | None) -> Losses | None:
    return fit_losses(task, seen.ends, sizes, futures) if seen.ends is not None and futures is not None else None


def to_lots(bench: Bench, found: Found) -> Floats:
    """The cheapest sizes in whole lots, checked against every future again: up or down, whichever is safe. Where no rounding is,
    the programme is solved again with some dollars to spare, so that lots fit inside the bounds."""
    search, sizes = found.search, found.solution.scale
    lot = max((_lot_dollars(item) for item in bench.task.items), default=0.0) or 1e-6 * bench.task.start
    for tighter_by in (0.0, *TIGHTENINGS):
        if tighter_by:
            search.spare = tighter_by * lot
            solution = search.solve(found.dropped)
            search.spare = 0.0
            if solution is None:
                break
            sizes = solution.scale
        rounded = _rounded(bench, found, sizes)
        if rounded is not None:
            return rounded
    return shrunk_to_lots(bench, found, found.solution.scale)


def shrunk_to_lots(bench: Bench, found: Found, sizes: Floats) -> Floats:
    """Whole lots next to sizes inside the bounds, shrunk together a little more where no rounding is safe."""
    for _ in range(ROUNDINGS):
        rounded = _rounded(bench, found, sizes)
        if rounded is not None:
            return rounded
        sizes = sizes * NUDGE
    return np.array([lot_shares(item, float(size))[0] for item, size in zip(bench.task.items, sizes, strict=True)])


def _rounded(bench: Bench, found: Found, sizes: Floats) -> Floats | None:
    """A rounding that every future bears, None when there is none."""
    for _ in range(ROUNDINGS):
        limits = found.search.limits(found.dropped)
        rounded = round_to_lots(*limits, bench.task.items, sizes, 1e-9 * bench.task.start)
        if rounded is None or not found.search.violated(rounded, found.dropped):
            return rounded
    return None


def _lot_dollars(item: Item) -> float:
    assert item.terms is not None and item.position is not None
    return item.terms.contract.lot_size / abs(item.position.quantity) * abs(item.delta) * item.mark * item.ratio


def tested_scale(bench: Bench, scale: float, seeds: Sequence[int]) -> tuple[float, Tried]:
    """A common scale, shrunk until new futures bear it out; each time on futures never seen before. How far is read off those
    that did not."""
    sizes, tried = np.full(len(bench.task.items), scale), None
    for number, seed in enumerate(seeds):
        tried = bench.judged("uniform", bench.run(sizes, seed=seed), fresh=True)
        if tried.keeps or number == len(seeds) - 1:
            break
        sizes = sizes * _factor(bench, sizes, tried, seed)
    assert tried is not None
    return float(sizes[0]), tried


def tested_cut(bench: Bench, uniform: Uniform | None, seeds: Sequence[int], tell: Tell) -> tuple[Cut, Attempt] | None:
    """The cheapest trims that new futures bear out; None when no trims keep the bounds. Where new futures do not agree, the trims
    are sought again within tighter bounds, and at last shrunk together, the one change of size that is always safe."""
    aim, last, drawn, seen = bench, None, 0.0, look(bench, uniform, tell)
    for number, seed in enumerate(seeds):
        known: Moments = {} if last is None else last.found.search.moments
        found = cheapest(aim, seen, known, tell) if number < RESOLVES else None
        if found is not None:
            sizes = to_lots(aim, found)
        elif last is None:
            return None
        else:
            found = last.found
            sizes = shrunk_to_lots(bench, found, last.sizes * _factor(bench, last.sizes, last.tried, last.seed))
        drawn = drawn if last else found.solution.cost
        tell("the trims on new futures")
        tried = bench.judged("trims", bench.run(sizes, seed=seed), fresh=True)
        last = Attempt(found=found, sizes=sizes, tried=tried, seed=seed)
        if tried.keeps:
            break
        aim = tighter(bench, aim, tried)
    assert last is not None
    return _cut(bench, last, drawn, number + 1), last


def tighter(bench: Bench, aim: Bench, tried: Tried) -> Bench:
    """Bounds to aim at, so that futures which did not bear out the last sizes may bear out the next."""
    task, asked = aim.task, bench.task
    lost, short = task.lost, task.shortfall
    if lost is not None and asked.lost is not None and tried.deaths > asked.lost:
        lost = int(lost * min(NUDGE, asked.lost / tried.deaths))
    if short is not None and asked.shortfall is not None and tried.shortfall is not None:
        short = short * min(1.0, NUDGE * asked.shortfall / tried.shortfall)
    return replace(aim, task=replace(task, lost=lost, shortfall=short))


def _factor(bench: Bench, sizes: Floats, tried: Tried, seed: int) -> float:
    """By how much sizes must shrink for the futures of a seed to be kept."""
    task, by = bench.task, NUDGE
    if task.lost is not None and tried.deaths > task.lost:
        ground = replace(task.ground, drill=replace(task.ground.drill, seed=seed))
        worst = np.sort(limits_of_paths(ground, task.cut_to(sizes)).min(axis=1))
        by = min(by, NUDGE * float(worst[task.lost]))
    if task.shortfall is not None and tried.shortfall is not None and tried.shortfall > task.shortfall:
        by = min(by, NUDGE * task.shortfall / tried.shortfall)
    return by


def _cut(bench: Bench, last: Attempt, drawn: float, tries: int) -> Cut:
    """The trims and why."""
    task, found, sizes = bench.task, last.found, last.sizes
    worth = np.array([abs(item.delta) * item.mark * item.ratio for item in task.items])
    trims = _trims(bench, sizes)
    return Cut(
        trims=trims,
        cost=sum(one.cost for one in trims),
        drawn=drawn,
        kept=float(sizes @ worth / worth.sum()),
        tested=last.tried.keeps,
        tries=tries,
        binding=binding_futures(bench, found),
        shortfall_binds=any(one.rule == "shortfall" for one in found.solution.prices),
        room=rooms(bench, found, worth),
    )


def _trims(bench: Bench, sizes: Floats) -> tuple[Trim, ...]:
    out = []
    for item, size in zip(bench.task.items, sizes.tolist(), strict=True):
        assert item.position is not None
        closed = 1.0 - size
        if closed > 1e-12:
            out.append(
                Trim(
                    account=bench.task.accounts[item.account],
                    symbol=item.position.symbol,
                    quantity_before=item.position.quantity,
                    quantity_after=quantity_at(item, size),
                    notional_closed=abs(item.delta) * item.mark * item.ratio * closed,
                    fees=fee_to_close(item, bench.arrays.prices) * closed,
                    slippage=slippage(item, closed),
                    slippage_known=bool(exit_levels(item)),
                    rules=(),
                )
            )
    return tuple(out)


def binding_futures(bench: Bench, found: Found) -> tuple[BindingFuture, ...]:
    """The futures that the trims are there for, dearest first."""
    task, ground, out = bench.task, bench.task.ground, []
    bars, made = bench.drill.journey.bars, ground.stage.ready.arrangement
    for price in [one for one in found.solution.prices if one.rule == "survival"][:MOST_TOLD]:
        path = int(price.name.removeprefix("future "))
        own = [one for one in found.search.moments.values() if (one.path, one.account) == (path, price.account)]
        moment = min(own, key=lambda one: one.bar)
        held = [row for row in ground.rows.tolist() if made.rows[row].account == price.account]
        moves = tuple(
            (made.rows[row].symbol, float(moment.prices[made.rows[row].column] / ground.held.price[row] - 1.0))
            for row in held
        )
        out.append(
            BindingFuture(
                path=path, hours=(moment.bar + 1) * bars.bar_ns / HOUR_NS, account=task.accounts[price.account], moves=moves,
                per_dollar=price.per_dollar,
            )
        )  # fmt: skip
    return tuple(out)


def rooms(bench: Bench, found: Found, worth: Floats) -> tuple[Room, ...]:
    """What one more dollar in each account that binds is worth: the programme solved again with a little more there."""
    task, out = bench.task, []
    kept = float(found.solution.scale @ worth)
    for account, name in enumerate(task.accounts):
        saves = sum(one.per_dollar for one in found.solution.prices if one.account in (account, -1))
        if saves <= 0.0:
            continue
        more = np.zeros(len(task.accounts))
        more[account] = DOLLAR * max(abs(float(task.ground.held.cash[account])), 1.0)
        richer = cheapest_sizes(*found.search.limits(found.dropped, more), task.costs)
        if richer is not None:
            allows = (float(richer.scale @ worth) - kept) / float(more[account])
            out.append(Room(account=name, saves=saves, allows=allows))
    return tuple(sorted(out, key=lambda one: -one.allows))
