"""One instant of a run seen twice: by the run itself, and by `check` on the book that its events make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels import state as codes
from perpbook.kernels.body import SETTLED
from perpbook.kernels.decide import decide
from perpbook.kernels.in_force import look_at_funding
from perpbook.kernels.memory import memory_of_one_look
from perpbook.kernels.sight import look, look_at_layers
from perpbook.kernels.state import Findings, Policy, Proposals, State, empty_findings, no_proposals
from perpbook.margin.assess import Assessed
from perpbook.model.account import Account
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS, Market, Quote, Snapshot
from perpbook.playbook import words
from perpbook.playbook.compile import Names, compile_policy
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import check_snapshot
from perpbook.runs.check_past import KnownPast
from tests.runs.laws import BrokenLaw, Run, book_at, travel

EXACT = 1e-9
OF_POSITIONS = words.OF_POSITIONS

Field = tuple[str, ...]


class NotAlike(Exception):
    """A coin that venues price differently stands idle: one market cannot say both prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a book: figures by name and subject, with the size each is to be compared at."""

    figures: dict[Field, float]
    findings: dict[Field, tuple[float, float]]
    scales: dict[str, float]
    asked: dict[str, tuple[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What check knows of the past of positions that a run has held since it began, and the playbook to judge both by."""

    past: KnownPast
    playbook: Playbook


def compare(run: Run, bar: int, carried: Carried | None = None) -> int:
    """Compare both views of a run that stands right after `bar`; gives how many figures were compared.

    Raises
    ------
    BrokenLaw : a figure or finding differs, or one side lacks it.
    """
    ours, theirs = seen_by_run(run, bar, carried), seen_by_check(run, bar, carried)
    size = max((abs(value) for name, value in theirs.figures.items() if name[0] == "position.notional"), default=0.0)
    size = max(size, *(abs(value) for name, value in theirs.figures.items() if name[0] == "account.equity"), 1.0)
    where = f"bar {bar}"
    for name, figure in theirs.figures.items():
        if name not in ours.figures:
            raise BrokenLaw(f"the run does not see {name} ({where})")
        scale = size if name[0] in DOLLARS else 1.0
        alike(figure, ours.figures[name], scale, f"{name} ({where})")
    if theirs.findings.keys() != ours.findings.keys():
        lone = theirs.findings.keys() ^ ours.findings.keys()
        raise BrokenLaw(f"only one of check and the run has the findings {sorted(lone)} ({where})")
    for name, (measured, limit) in theirs.findings.items():
        alike(measured, ours.findings[name][0], 1.0, f"finding {name} ({where})")
        alike(limit, ours.findings[name][1], 1.0, f"limit {name} ({where})")
    for subject, scale in theirs.scales.items():
        alike(scale, ours.scales[subject], 1.0, f"scale of {subject} ({where})")
    for subject, (reason, target) in theirs.asked.items() if carried is not None else ():
        alike(reason, ours.asked[subject][0], 0.0, f"reason of {subject} ({where})")
        alike(target, ours.asked[subject][1], size, f"target of {subject} ({where})")
    return len(theirs.figures) + len(theirs.findings)


DOLLARS = {
    "position.notional", "position.value", "position.exposure", "position.loss", "account.equity", "account.coins",
    "book.equity", "book.coins", "asset.notional", "asset.net", "stress.equity", "stress.maintenance", "venue.equity",
    "layer.value", "layer.free", "sleeve.capital", "position.funding", "position.ahead",
}  # fmt: skip


def alike(check: float, run: float, scale: float, what: str) -> None:
    if check == run or (np.isnan(check) and np.isnan(run)):
        return
    if not abs(check - run) <= EXACT * max(scale, abs(check)):
        raise BrokenLaw(f"{what}: check says {check!r}, the run {run!r}")


TOLD_BY_TIME = ("funding", "yearly", "expected", "ahead", "paid_in_row")


def seen_by_check(run: Run, bar: int, carried: Carried | None) -> Seen:
    """The product's own check of the folded book, at the bar's closes."""
    playbook, past = run.journey.playbook or Playbook(schema_version=1), None
    if carried is not None:
        playbook, past = carried.playbook, carried.past
    found = check_snapshot(snapshot_at(run, bar), playbook, run.journey.terms, with_plans=False, past=past)
    decision, assessed = found.decision, found.assessed
    rows = [assessed.arrays.items[row] for row in assessed.arrays.positions()]
    places = [
        (k, f"{item.position.symbol}@{name_of(assessed, item.account)}") for k, item in enumerate(rows) if item.position
    ]
    scenarios = [one.name for one in assessed.scenarios]
    return Seen(
        figures=dict(figures_of(decision.state, decision.policy, decision.names, places, scenarios, past is not None)),
        findings=findings_of(decision.raw, decision.names, dict(places), scenarios, decision.names.assets),
        scales={name: float(decision.proposals.scale[k]) for k, name in places},
        asked=asked_of(decision.proposals, places),
    )


def asked_of(proposals: Proposals, places: list[tuple[int, str]]) -> dict[str, tuple[int, float]]:
    """Who asks, and the dollars a position is to be brought to."""
    return {name: (int(proposals.reason[k]), float(proposals.target[k])) for k, name in places}


def name_of(assessed: Assessed, account: int) -> str:
    return assessed.arrays.accounts[account].id


def seen_by_run(run: Run, bar: int, carried: Carried | None) -> Seen:
    """The run's own look at the bar's closes, and what rules say of it without a memory: its own, of what one look tells, or
    those of `carried`, of its funding too."""
    ready = run.ready
    mind, slots, holding = ready.play.mind, ready.arrangement.slots, ready.body.holding
    mind.scratch.safe[:] = 0
    closes = np.ascontiguousarray(run.journey.bars.close[:, bar])
    look(slots, holding, mind.rules, ready.body.outside, mind.scratch, closes, mind.state)
    look_at_layers(ready.body.outside, ready.body.under_way, ready.body.moving, mind.state)
    state, policy = mind.state, mind.rules.policy
    state.book[0].now_ns = int(run.journey.bars.open_ns[bar]) + run.journey.bars.bar_ns
    settled = int(ready.body.clock[SETTLED])
    look_at_funding(ready.reel.tape, slots, holding, settled, int(state.book[0].now_ns), state)
    state.positions["target"] = np.nan
    if carried is None:
        for name in ("funding", "expected", "ahead", "paid_in_row"):  # what only time tells
            state.positions[name] = np.nan
    else:
        policy = compile_policy(carried.playbook, ready.play.names, ready.play.scenarios)
        state.positions["cost"] = slots.rows["taker"][slots.positions]
    raw, proposals = empty_findings(state, policy), no_proposals(state)
    decide(state, policy, memory_of_one_look(state.positions.size, policy.profit_gain.size), raw, proposals)
    places = []
    for k, row in enumerate(slots.positions.tolist()):
        if holding.rows.quantity[row] != 0.0:
            one = ready.arrangement.rows[row]
            places.append((k, f"{one.symbol}@{ready.arrangement.accounts[one.account].id}"))
    held = {ready.arrangement.rows[int(slots.positions[k])].asset for k, _ in places}
    scenarios = [one.name for one in ready.play.scenarios]
    return Seen(
        figures=dict(figures_of(state, policy, ready.play.names, places, scenarios, carried is not None)),
        findings=findings_of(raw, ready.play.names, dict(places), scenarios, tuple(held)),
        scales={name: float(proposals.scale[k]) for k, name in places},
        asked=asked_of(proposals, places),
    )


def figures_of(
    state: State, policy: Policy, names: Names, places: list[tuple[int, str]], scenarios: list[str], carried: bool
) -> Iterator[tuple[Field, float]]:
    """Every figure of a state by name; effective leverages and calm scales only where somebody looks at them."""
    for k, place in places:
        of_time = TOLD_BY_TIME if carried else ()
        for name in ("notional", "value", "exposure", "loss", "gain", "isolated", "wanted", *of_time):
            yield (f"position.{name}", place), float(state.positions[name][k])
    for a, account in enumerate(names.accounts):
        yield from figures_of_account(state, policy, a, account)
        for s, scenario in enumerate(scenarios):
            yield ("stress.equity", account, scenario), float(state.stress_equity[a, s])
            yield ("stress.maintenance", account, scenario), float(state.stress_maintenance[a, s])
    for kind, subjects, values in (
        ("asset.notional", names.assets, state.asset_notional),
        ("asset.net", names.assets, state.asset_net),
        ("venue.equity", names.venues, state.venue_equity),
        ("layer.value", names.layers, state.layer_value),
        ("sleeve.capital", names.sleeves, state.sleeve_capital),
        ("layer.free", names.layers, state.layer_free),
        ("layer.gas", names.layers, state.layer_gas),
    ):
        yield from (((kind, subject), float(value)) for subject, value in zip(subjects, values, strict=True))
    if min(policy.account_effective, policy.book_effective) < np.inf:
        yield ("book.effective",), float(state.book.effective[0])
    yield ("book.equity",), float(state.book.equity[0])
    yield ("book.coins",), float(state.book.coins[0])


def figures_of_account(state: State, policy: Policy, a: int, account: str) -> Iterator[tuple[Field, float]]:
    for name in ("equity", "coins", "dead"):
        yield (f"account.{name}", account), float(state.accounts[name][a])
    yield ("account.safe_scale", account), min(float(state.accounts.safe_scale[a]), 1.0)
    if min(policy.account_effective, policy.book_effective) < np.inf:
        yield ("account.effective", account), float(state.accounts.effective[a])
    if state.accounts.effective[a] > policy.account_effective:
        yield ("account.calm_scale", account), min(float(state.accounts.calm_scale[a]), 1.0)
    if state.book.effective[0] > policy.book_effective:
        yield ("account.book_calm_scale", account), min(float(state.accounts.book_calm_scale[a]), 1.0)


def findings_of(
    raw: Findings, names: Names, places: dict[int, str], scenarios: list[str], held: tuple[str, ...]
) -> dict[Field, tuple[float, float]]:
    """Findings by rule and subject; those about what is not held are left out."""
    out: dict[Field, tuple[float, float]] = {}
    for row in range(int(raw.rows[0])):
        code, number = int(raw.code[row]), int(raw.subject[row])
        if code in OF_POSITIONS and number not in places:
            continue
        subject = subject_of(code, number, names, places)
        if code == codes.ASSET_LEVERAGE and subject not in held:
            continue
        detail = str(names.groups[group_of(names, scenarios[int(raw.detail[row])])]) if raw.detail[row] >= 0 else ""
        out[str(code), subject, detail] = (float(raw.measured[row]), float(raw.limit[row]))
    return out


def group_of(names: Names, scenario: str) -> int:
    """The group of a scenario, from its name: kind and size of move."""
    kind = (
        "joint" if scenario.startswith("all ") else "beta" if scenario.endswith("by beta")
        else "broken" if scenario.startswith("hedges") else "asset"
    )  # fmt: skip
    digits = scenario.replace(" by beta", "").rsplit(" ", 1)[1].strip("%+-")
    near = [abs(float(digits) / 100.0 - size) if one == kind else 9.0 for one, size in names.groups]
    return int(np.argmin(near))


def subject_of(code: int, number: int, names: Names, places: dict[int, str]) -> str:
    if code in OF_POSITIONS:
        return places[number]
    return getattr(names, words.OF_NAMES[code])[number] if code in words.OF_NAMES else "book"


def snapshot_at(run: Run, bar: int) -> Snapshot:
    """The folded book in a market that stands at the bar's closes."""
    bars = run.journey.bars
    now_ns = int(bars.open_ns[bar]) + bars.bar_ns
    closes = bars.close[:, bar]
    quotes = {
        (key.venue, key.symbol): Quote(
            venue=key.venue,
            symbol=key.symbol,
            mark_price=float(price),
            oracle_price=float(price),
            funding_rate=rate_at(run, column),
        )
        for column, (key, price) in enumerate(zip(bars.series, closes, strict=True))
    }
    coins = coin_prices(run, closes)
    market = Market(
        as_of_ns=now_ns, source="run", quotes=quotes, asset_prices=coins, betas=run.journey.betas, simulated=True
    )
    return Snapshot(book=replace(with_settings(book_at(run), run.journey.book), as_of_ns=now_ns), market=market)


def rate_at(run: Run, column: int) -> float | None:
    """The last rate settled of a series, brought to its venue's interval; None before the first."""
    tape, cursor = run.ready.reel.tape, int(run.ready.body.clock[SETTLED])
    number = int(tape.settled[column, cursor - 1]) if cursor else -1
    if number < 0:
        return None
    interval_ns = run.journey.terms[run.journey.bars.series[column].venue].funding.interval_ns
    return float(tape.funding_rate[column, number]) * interval_ns / int(tape.interval_ns[column, number])


def coin_prices(run: Run, closes: np.ndarray) -> dict[str, float]:
    """Prices of the coins that no contract held now gives a price to.

    Raises
    ------
    NotAlike : such a coin has two prices in the run, and a market has one price for each.
    """
    rows, held = run.ready.arrangement.rows, run.ready.body.holding.rows.quantity
    counted_alike(run)
    priced = {
        (row.account, row.terms.contract.settle)
        for i, row in enumerate(rows)
        if row.terms and held[i] != 0.0 and row.terms.contract.is_inverse
    }
    wanted = {row.asset for row in rows if row.terms is None and (row.account, row.asset) not in priced}
    known = {(row.account, row.asset) for row in rows if row.terms is None}
    for number, account in enumerate(run.ready.arrangement.accounts):
        own = {one.asset for one in account.collateral} - STABLECOINS
        wanted |= {asset for asset in own if (number, asset) not in known}
    out = {}
    for asset in wanted:
        prices = {float(closes[row.column]) for row in rows if row.terms is None and row.asset == asset}
        if len(prices) > 1:
            raise NotAlike(asset)
        out[asset] = prices.pop() if prices else 1.0
    return out


def counted_alike(run: Run) -> None:
    """Refuse instants at which an account holds what only a contract that is closed now would settle in.

    `check` counts such money by the venue's terms for collateral, in which it may be nothing; a run, which may open the
    contract again at the next bar, counts it in full.
    """
    held = run.ready.body.holding.rows.quantity
    for number, account in enumerate(book_at(run).accounts):
        terms = run.outcome.arrangement.terms[number]
        open_or_not: dict[str, bool] = {}
        for index, row in enumerate(run.ready.arrangement.rows):
            if row.terms and row.account == number:
                settle = row.terms.contract.settle
                open_or_not[settle] = open_or_not.get(settle, False) or bool(held[index] != 0.0)
        for one in account.collateral:
            idle = not open_or_not.get(one.asset, True) and one.asset != terms.settle
            if idle and one.amount > 0.0:
                raise NotAlike(one.asset)


def with_settings(book: Book, start: Book) -> Book:
    """Leverage settings and tags stay with a contract when its position is closed and opened again."""
    return replace(
        book, accounts=tuple(settings_kept(now, then) for now, then in zip(book.accounts, start.accounts, strict=True))
    )


def settings_kept(now: Account, then: Account) -> Account:
    known = {one.symbol: one for one in then.positions}
    positions = tuple(
        replace(one, leverage=known[one.symbol].leverage, tags=known[one.symbol].tags) if one.symbol in known else one
        for one in now.positions
    )
    return replace(now, positions=positions)


def compare_along(run_to_be: Run, draw: np.random.Generator, times: int) -> int:
    """Compare at some bars of a journey, each reached anew; gives how many figures were compared."""
    journey, compared = run_to_be.journey, 0
    for bar in sorted({int(draw.integers(0, journey.bars.count)) for _ in range(times)}):
        compared += compare(travel(journey, until=bar + 1), bar)
    return compared
