"""Deciding: pure, monotone in its limits, and blind to names, order and units of money."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import astuple
from functools import cache
from itertools import combinations, permutations
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.kernels.decide import decide
from perpbook.kernels.memory import Memory, memory_of_one_look
from perpbook.kernels.rules.carry import funding_caps, funding_projected, funding_skew
from perpbook.kernels.rules.concentration import depth_share, layer_share, margin_mode, sleeve_bounds, venue_share
from perpbook.kernels.rules.drawdown import drawdown
from perpbook.kernels.rules.hedge import hedge_bands
from perpbook.kernels.rules.leverage import account_leverage, asset_leverage, book_leverage
from perpbook.kernels.rules.loss import position_loss
from perpbook.kernels.rules.profit import take_profit
from perpbook.kernels.rules.rebalance import rebalance
from perpbook.kernels.rules.record import room
from perpbook.kernels.rules.rotation import funding_turned
from perpbook.kernels.rules.survival import account_dead, survival
from perpbook.kernels.rules.upkeep import bridge_share, layer_gas, layer_reserve, losses, stablecoin_share
from perpbook.kernels.state import Findings, Policy, Proposals, State, empty_findings, no_proposals
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Status
from perpbook.playbook.decision import Decision, decide_on
from perpbook.playbook.schema import (
    Capital,
    Guardrails,
    Hedge,
    Layers,
    Leverage,
    LeverageCaps,
    Liquidity,
    Margin,
    Playbook,
    Sleeve,
    Survival,
    Venues,
)
from perpbook.playbook.state import calm_scales
from perpbook.playbook.words import WORDINGS, status_of
from perpbook.runs.check import assess_under
from tests.laws.changes import grown, permuted, renamed
from tests.laws.strategies import BOOLEANS, Situation, among, between, magnitudes, perhaps, situations

RULES = (
    account_dead,
    drawdown,
    position_loss,
    survival,
    asset_leverage,
    account_leverage,
    book_leverage,
    venue_share,
    layer_share,
    depth_share,
    funding_caps,
    funding_projected,
    funding_turned,
    funding_skew,
    take_profit,
    hedge_bands,
    margin_mode,
    sleeve_bounds,
    rebalance,
    bridge_share,
    stablecoin_share,
    losses,
    layer_reserve,
    layer_gas,
)
"""In their order of precedence, which is the order `decide` must keep."""

Kind = Literal["joint", "asset", "beta", "broken"]

caps = magnitudes(0.05, 50.0)
shares = between(0.01, 1.0)


MOVES = among(*(one for count in (1, 2, 3) for one in combinations((0.05, 0.1, 0.3), count)))


@cache
def orders_of(options: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One or more of some options, in any order."""
    return among(*(one for count in range(1, len(options) + 1) for one in permutations(options, count)))


SOMETIMES = perhaps(st.just(True))


@st.composite
def playbooks(draw: st.DrawFn, *, kinds: tuple[Kind, ...] = ("joint", "asset", "beta", "broken")) -> Playbook:
    """Any mixture of the limits there are."""

    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(perhaps(strategy))

    def leverages() -> LeverageCaps:
        return LeverageCaps(gross=maybe(caps), net=maybe(caps), effective=maybe(caps))

    low, high = sorted((draw(shares), draw(shares)))
    sleeves = (Sleeve(name="core", tags=("core",), min=low, max=high), Sleeve(name="rest", symbols=("*",), max=high))
    capital = Capital(sleeves=sleeves) if draw(SOMETIMES) else None
    return Playbook(
        schema_version=1,
        capital=capital,
        leverage=Leverage(
            asset={"default": draw(caps), "BTC": draw(caps)} if draw(BOOLEANS) else None,
            account=leverages(),
            book=leverages(),
        ),
        survival=Survival(
            moves=draw(MOVES),
            kinds=draw(orders_of(kinds)),
            buffer=draw(between(0.0, 2.0)),
        ),
        guardrails=Guardrails(position_loss=maybe(shares)),
        margin=Margin(isolated=("core",)) if capital else None,
        venues=Venues(
            max_share=maybe(shares),
            shares={"binance": draw(shares)},
            survive_loss_of_any=draw(BOOLEANS),
            left_after_loss=draw(shares),
        ),
        layers=layers_of(draw),
        liquidity=Liquidity(max_depth_share=maybe(magnitudes(0.01, 100.0))),
        hedge=Hedge(delta_band=maybe(caps), assets=draw(among((), ("BTC",)))),
    )


def layers_of(draw: st.DrawFn) -> Layers:
    """What must stand where, and where not."""
    return Layers(
        max_share=draw(perhaps(shares)),
        survive_loss_of_any=draw(BOOLEANS),
        left_after_loss=draw(shares),
        bridge_max_share=draw(perhaps(shares)),
        stablecoin_max_share=draw(perhaps(shares)),
    )


def judged(found: Situation, playbook: Playbook) -> tuple[Assessed, Decision]:
    assessed = assess_under(found.snapshot, playbook, found.terms)
    return assessed, decide_on(assessed, playbook)


def run(state: State, policy: Policy, proposals: Proposals | None = None) -> tuple[Findings, Proposals]:
    findings = empty_findings(state, policy)
    proposals = no_proposals(state) if proposals is None else proposals
    decide(state, policy, nothing_known(state, policy), findings, proposals)
    return findings, proposals


def nothing_known(state: State, policy: Policy) -> Memory:
    return memory_of_one_look(state.positions.size, policy.profit_gain.size)


def assert_equal(one: Any, other: Any) -> None:
    for ours, theirs in zip(one, other, strict=True):
        assert_same(ours, theirs)


def assert_same(ours: Any, theirs: Any) -> None:
    """Records field by field, because NaN has no equal in them."""
    names = getattr(getattr(ours, "dtype", None), "names", None)
    for name in names or ():
        assert np.array_equal(ours[name], theirs[name], equal_nan=True), name
    if not names:
        assert np.array_equal(ours, theirs, equal_nan=True)


@given(situations(), playbooks())
def test_deciding_twice_gives_the_same_and_changes_nothing(found: Situation, playbook: Playbook) -> None:
    before = deepcopy((found.snapshot, playbook))
    assessed, first = judged(found, playbook)
    state, policy = deepcopy(first.state), deepcopy(first.policy)
    again = decide_on(assessed, playbook)
    assert again.findings == first.findings == judged(found, playbook)[1].findings
    assert_equal(again.proposals, first.proposals)
    assert_equal(run(first.state, first.policy)[0], first.raw)
    used = deepcopy(first.raw)
    decide(first.state, first.policy, nothing_known(first.state, first.policy), used, no_proposals(first.state))
    assert_equal(used, first.raw)
    assert_equal(state, first.state)
    assert_equal(policy, first.policy)
    assert before == (found.snapshot, playbook)


def breaches(findings: Findings, policy: Policy) -> list[bool]:
    rows = range(int(findings.rows[0]))
    return [
        status_of(
            float(findings.measured[row]),
            float(findings.limit[row]),
            policy.near,
            floor=WORDINGS[int(findings.code[row])].floor,
        )
        is Status.BREACH
        for row in rows
    ]


def tightened(policy: Policy, share: float) -> Policy:
    """Every limit at a share of what it was; what had no limit still has none."""
    return policy._replace(
        buffer=policy.buffer + (1.0 - share),
        sleeve_min=policy.sleeve_min / share,
        venue_leaves=policy.venue_leaves / share,
        layer_leaves=policy.layer_leaves / share,
        reserve=policy.reserve / share,
        gas=policy.gas / share,
        **{
            name: getattr(policy, name) * share
            for name in (
                "position_loss", "depth_share", "account_gross", "account_net", "account_effective", "book_gross",
                "book_net", "book_effective", "asset_cap", "venue_cap", "layer_cap", "sleeve_max", "hedge_band",
                "bridge_cap", "stablecoin_cap",
            )
        },
    )  # fmt: skip


@given(situations(), playbooks(), between(0.01, 1.0))
def test_a_stricter_limit_never_yields_fewer_breaches(found: Situation, playbook: Playbook, share: float) -> None:
    decision = judged(found, playbook)[1]
    policy = tightened(decision.policy, share)
    before, after = breaches(decision.raw, decision.policy), breaches(run(decision.state, policy)[0], policy)
    assert len(before) == len(after)
    assert all(now for was, now in zip(before, after, strict=True) if was)


@given(situations(), playbooks(), between(0.01, 1.0))
def test_nor_does_it_ever_keep_more(found: Situation, playbook: Playbook, share: float) -> None:
    decision = judged(found, playbook)[1]
    stricter = stricter_playbook(playbook, share)
    proposals = judged(found, stricter)[1].proposals
    assert (proposals.scale <= decision.proposals.scale * (1 + 1e-9) + 1e-12).all()  # of a position: rounding


@given(situations(), magnitudes(0.02, 20.0), between(0.1, 1.0))
def test_a_lower_cap_on_effective_leverage_never_leaves_a_larger_scale(
    found: Situation, cap: float, share: float
) -> None:
    arrays = assess_under(found.snapshot, Playbook(schema_version=1), found.terms).arrays
    assert (calm_scales(arrays, cap * share) <= calm_scales(arrays, cap) * (1.0 + 1e-9) + 1e-12).all()


def stricter_playbook(playbook: Playbook, share: float) -> Playbook:
    """All caps on leverage and loss at a share of what they were, and a larger buffer."""

    def tighter(limits: LeverageCaps | None) -> LeverageCaps | None:
        if limits is None:
            return None
        return LeverageCaps(**{name: None if cap is None else cap * share for name, cap in limits})

    leverage, survival_ = playbook.leverage, playbook.survival
    assert leverage is not None and survival_ is not None and playbook.guardrails is not None
    loss = playbook.guardrails.position_loss
    assets = {asset: cap * share for asset, cap in leverage.asset.items()} if leverage.asset else None
    return playbook.model_copy(
        update={
            "leverage": Leverage(asset=assets, account=tighter(leverage.account), book=tighter(leverage.book)),
            "survival": survival_.model_copy(update={"buffer": survival_.buffer + (1.0 - share)}),
            "guardrails": Guardrails(position_loss=None if loss is None else loss * share),
        }
    )


@given(situations(), playbooks())
def test_no_more_than_all_and_no_less_than_nothing_is_kept(found: Situation, playbook: Playbook) -> None:
    proposals = judged(found, playbook)[1].proposals
    assert ((proposals.scale >= 0.0) & (proposals.scale <= 1.0)).all()
    assert ((proposals.scale < 1.0) == (proposals.reason > 0)).all()


@given(situations(), playbooks(), st.data())
def test_what_a_higher_rule_cut_a_lower_one_never_gives_back(
    found: Situation, playbook: Playbook, data: st.DataObject
) -> None:
    _, decision = judged(found, playbook)
    state, policy = decision.state, decision.policy._replace(slack=0.0)
    count, memory = state.positions.size, nothing_known(decision.state, decision.policy)
    start = np.array([data.draw(between(0.0, 1.0)) for _ in range(count)])
    proposals = held_at(state, start)
    findings = empty_findings(state, policy)
    for rule in RULES:
        before = deepcopy(proposals)
        rule(state, policy, memory, findings, proposals)
        assert (proposals.scale <= before.scale).all()
        assert ((proposals.reason == before.reason) | (proposals.scale < before.scale)).all()
    from_start = run(state, policy, held_at(state, start))
    assert_equal(from_start[1], proposals)
    assert_equal(from_start[0], findings)
    assert np.array_equal(proposals.scale, np.minimum(start, run(state, policy)[1].scale))


def held_at(state: State, scale: Any) -> Proposals:
    """Proposals that somebody made before, for a reason no rule has."""
    return no_proposals(state)._replace(scale=scale.copy(), reason=np.full(scale.size, 99, dtype=np.int64))


@given(between(0.0, 100.0), between(-100.0, 100.0), between(-100.0, 100.0), between(0.0, 1.0))
def test_the_room_left_is_all_there_is(limit: float, fixed: float, scaled: float, other: float) -> None:
    scale = room(limit, fixed, scaled)
    assert 0.0 <= scale <= 1.0
    left, elsewhere = abs(fixed + scale * scaled), abs(fixed + other * scaled)
    assert left <= max(limit, elsewhere) + 1e-9
    if elsewhere <= limit and other > scale:
        assert other == pytest.approx(scale, abs=1e-9) or elsewhere == pytest.approx(limit, abs=1e-9)


@given(situations(), playbooks())
def test_survival_measures_every_account_in_its_worst_move(found: Situation, playbook: Playbook) -> None:
    assessed, decision = judged(found, playbook)
    grid, buffer = assessed.grid, decision.policy.buffer
    told = {(one.rule, one.subject): one.measured for one in decision.findings if "survival" in one.rule}
    for kind, size in decision.names.groups:
        lanes = [s for s, one in enumerate(assessed.scenarios) if (one.kind, abs(one.size)) == (kind, size)]
        equity, need = grid.equity[:, lanes], (1.0 + buffer) * grid.maintenance[:, lanes]
        dead = (assessed.measures.equity < assessed.measures.maintenance)[:, None]
        gone = dead | ((equity <= 0.0) & ((need > 0.0) | (equity < 0.0)))
        worst = np.where(gone, np.inf, need / np.where(equity > 0.0, equity, 1.0)).max(axis=1)
        for account, share in zip(decision.names.accounts, worst, strict=True):
            found_share = told.pop((f"survival.{kind}", f"±{size:.0%}: {account}"), 0.0)
            assert found_share == pytest.approx(share, rel=1e-12)
    assert not told


LIMITS = ("account_gross", "account_net", "book_gross", "book_net", "asset_cap")


def exposures(state: State, limit: str, scale: Any) -> list[tuple[float, float, bool]]:
    """For every subject of one leverage limit: exposure at these scales, equity, and whether it was cut."""
    size = (state.positions.exposure if limit.endswith("net") else state.positions.notional) * scale
    coins = {"account_net": state.accounts.coins, "book_net": state.book.coins}.get(limit)
    if limit.startswith("account"):
        groups, equity = state.positions.account, state.accounts.equity
    elif limit == "asset_cap":
        groups, equity = state.positions.asset, np.full(state.asset_notional.size, state.book.equity[0])
    else:
        groups, equity = np.zeros(size.size, dtype=np.int64), state.book.equity
    return [
        (abs(float(size[groups == k].sum()) + float(coins[k] if coins is not None else 0.0)), float(equity[k]),
         bool((scale[groups == k] < 1.0).any()))
        for k in range(equity.size) if (groups == k).any()
    ]  # fmt: skip


@given(situations(), playbooks(), st.sampled_from(LIMITS), caps)
def test_a_leverage_cap_cuts_just_enough(found: Situation, playbook: Playbook, limit: str, cap: float) -> None:
    decision = judged(found, playbook)[1]
    policy, state = decision.policy, decision.state
    state = deepcopy(state)
    state.accounts.safe_scale[:] = 1.0
    policy = policy._replace(slack=0.0)
    infinite: dict[str, Any] = {name: float("inf") for name in Policy._fields[2:10]} | {
        name: np.full_like(policy.asset_cap, np.inf) for name in ("asset_cap", "hedge_band")
    }
    value = np.full_like(policy.asset_cap, cap) if limit == "asset_cap" else cap
    scale = run(state, policy._replace(**{**infinite, limit: value}))[1].scale
    before = exposures(state, limit, np.ones_like(scale))
    for (left, equity, cut), (was, _, _) in zip(exposures(state, limit, scale), before, strict=True):
        allowed = cap * max(equity, 0.0)
        assert left <= max(allowed, was) * (1 + 1e-9) + 1e-9
        if cut:
            assert was > allowed
            just_enough = left == pytest.approx(allowed, rel=1e-9, abs=1e-9 * was)
            assert just_enough or (limit.endswith("net") and left > allowed)  # the coins alone are beyond the cap
        else:
            assert was <= allowed or limit.endswith("net")


def numbers(assessed: Assessed) -> dict[str, list[Any]]:
    """Everything that was measured, by kind: money, ratios, prices. Names are left out."""
    found = assessed.assessment
    summaries = [found.book.summary, *(account.summary for account in found.accounts)]
    book = found.book
    return {
        "money": [
            [astuple(summary) for summary in summaries],
            [(one.notional, one.exposure, one.unrealized_pnl, one.initial_margin) for one in found.positions],
            [(one.collateral, one.notional, one.unrealized_pnl) for one in found.accounts],
            [(one.loss, one.equity_after, one.worst_surplus) for one in found.stress],
            [book.equity, book.layers_value, book.in_transit, book.notional, book.unrealized_pnl],
        ],
        "ratios": [
            [book.gross_leverage, book.net_leverage, book.effective_leverage, book.liquidation_move],
            [(one.gross_leverage, one.net_leverage, one.effective_leverage) for one in found.accounts],
            [(one.liquidation_move, one.move_down, one.move_up, one.equity_share) for one in found.accounts],
            [(one.liquidation_distance, one.maintenance_margin_fraction, one.equity_share) for one in found.positions],
            [(one.loss_share, [death.fraction for death in one.deaths], one.survives) for one in found.stress],
        ],
        "prices": [(one.mark_price, one.liquidation_price, one.bankruptcy_price) for one in found.positions],
    }


def times(factor: float, values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [times(factor, value) for value in values]
    return values if values is None else values * factor


def listed(values: Any) -> Any:
    return [listed(value) for value in values] if isinstance(values, list | tuple) else values


OURS = situations(venues=("ours",))
POWERS = st.sampled_from((2.0**-6, 0.25, 4.0, 2.0**10))
"""Powers of four: floats scale by them, and by their roots, exactly, so the law can be exact too."""


@given(OURS, playbooks(), POWERS, POWERS)
def test_money_scales_with_prices_and_sizes_and_ratios_do_not(
    found: Situation, playbook: Playbook, price: float, size: float
) -> None:
    assessed, decision = judged(found, playbook)
    assessed_grown, decision_grown = judged(grown(found, price=price, size=size), playbook)
    before, after = numbers(assessed), numbers(assessed_grown)
    assert listed(after["money"]) == times(price * size, before["money"])
    assert listed(after["prices"]) == times(price, before["prices"])
    assert listed(after["ratios"]) == listed(before["ratios"])
    assert_equal(decision_grown.raw, decision.raw)
    assert_equal(decision_grown.proposals, decision.proposals)


NAMES = {
    "AAA": "YYY", "BBB": "ZZZ", "AAA-PERP": "YYY-PERP", "BBB-PERP": "ZZZ/USDC", "AAAUSD": "YYYUSD",
    "ours": "theirs", "ours-0": "desk", "ours-1": "a", "ours-2": "vault", "chain-1": "rollup", "chain-2": "bank",
}  # fmt: skip


@given(OURS, playbooks())
def test_names_do_not_matter(found: Situation, playbook: Playbook) -> None:
    assessed, decision = judged(found, playbook)
    other = Situation(renamed(found.snapshot, NAMES), renamed(found.terms, NAMES))
    assessed_other, decision_other = judged(other, playbook)
    assert numbers(assessed_other) == numbers(assessed)
    assert_equal(decision_other.raw, decision.raw)
    assert_equal(decision_other.proposals, decision.proposals)
    assert [one.status for one in decision_other.findings] == [one.status for one in decision.findings]


def by_name(assessed: Assessed, decision: Decision) -> dict[tuple[str, ...], tuple[float, ...]]:
    """What was measured, by whom it is about and not by where it stands."""
    found = assessed.assessment
    out: dict[tuple[str, ...], tuple[float, ...]] = {}
    gross = sum(abs(one.summary.equity) for one in found.accounts) + found.book.notional + 1.0
    for account in found.accounts:
        out["account", account.id] = (
            account.summary.equity / gross, account.summary.maintenance_margin / gross,
            account.effective_leverage, near(account.move_down), near(account.move_up),
        )  # fmt: skip
    for one in found.stress:
        out["stress", one.scenario] = (one.loss / gross, one.worst_surplus / gross)
    for finding in decision.findings:
        who = finding.subject.split(":")[0] if finding.rule.startswith("survival") else finding.subject
        if finding.rule != "leverage.account.effective":
            told = *out.get(("finding", finding.rule, who), ()), near(finding.measured)
            out["finding", finding.rule, who] = tuple(sorted(told))
    for row, scale in zip(assessed.arrays.positions(), decision.proposals.scale, strict=True):
        item = assessed.arrays.items[row]
        assert item.position is not None
        key = "keep", found.accounts[item.account].id, item.position.symbol, str(item.position.quantity)
        out[key] = (float(scale),)
    return out


def near(move: float | None) -> float:
    """A move, or measure, beyond a million is as good as none."""
    return 1e6 if move is None or not abs(move) < 1e6 else move


@given(situations(), playbooks(kinds=("joint", "asset", "beta")), st.randoms(use_true_random=False))
def test_order_does_not_matter(found: Situation, playbook: Playbook, chance: Any) -> None:
    def shuffled(things: list[Any]) -> list[Any]:
        chance.shuffle(things)
        return things

    before = by_name(*judged(found, playbook))
    after = by_name(*judged(permuted(found, shuffled), playbook))
    assert before.keys() == after.keys()
    for key, values in before.items():
        assert after[key] == pytest.approx(values, rel=1e-6, abs=1e-9), key
