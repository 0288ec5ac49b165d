"""What a check found becomes alerts: near warns, beyond pages, and what nobody looked for is not over."""

from __future__ import annotations

import math

import pytest

from perpbook.alerts.kinds import every_kind
from perpbook.alerts.of_check import alerts_of_findings, alerts_of_layers, alerts_of_transfers, over
from perpbook.alerts.usual import LEAST, against, figures_of, unusual
from perpbook.model.alert import Severity
from perpbook.model.book import Transfer
from perpbook.model.health import BATCHES, HEAD, Agreement, ClockView, Fees, LayerHealth, State
from perpbook.model.market import Depth, Quote
from perpbook.model.verdict import Finding, Status
from tests.alerting import START, alert

NEAR = 0.8


def finding(rule: str, subject: str, used: float, status: Status) -> Finding:
    return Finding(
        rule=rule, subject=subject, measured=used, limit=1.0, unit="x", used=used, status=status,
        sentence="so it is.", hint="do it.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "status", "kind", "severity"),
    [
        ("leverage.asset", Status.NEAR, "rule.leverage.asset", Severity.WARN),
        ("leverage.asset", Status.BREACH, "rule.leverage.asset", Severity.PAGE),
        ("funding.skew_alert", Status.BREACH, "funding.skew", Severity.WARN),
        ("funding.flip_after", Status.BREACH, "funding.flip", Severity.PAGE),
        ("drill.cadence", Status.NEAR, "drill.overdue", Severity.INFO),
        ("guardrails.daily_drawdown", Status.BREACH, "drawdown.daily", Severity.PAGE),
    ],
)
def test_near_warns_and_beyond_pages(rule: str, status: Status, kind: str, severity: Severity) -> None:
    (found,) = alerts_of_findings([finding(rule, "book", 0.9, status)], NEAR, START)
    assert (found.kind, found.severity, found.symbol) == (kind, severity, "")


def test_all_moves_that_kill_one_account_are_one_alert_the_worst() -> None:
    some = [finding("survival.joint", f"±{move}%: hl", used, status) for move, used, status in (
        (5, 0.9, Status.NEAR), (10, 1.2, Status.BREACH), (15, math.inf, Status.BREACH))]  # fmt: skip
    (found,) = alerts_of_findings(some, NEAR, START, accounts=["hl"])
    assert (found.account, found.symbol, found.severity, found.measured) == ("hl", "", Severity.PAGE, None)


def test_a_position_is_told_by_symbol_and_account() -> None:
    (found,) = alerts_of_findings([finding("guardrails.position_loss", "BTC @ hl", 2.0, Status.BREACH)], NEAR, START)
    assert found.key == ("rule.guardrails.position_loss", "hl", "BTC") and found.sentence == "so it is. do it."


@pytest.mark.parametrize(("used", "stands", "told"), [(0.78, True, True), (0.78, False, False), (0.75, True, False)])
def test_what_stood_is_over_only_well_below_the_near_mark(used: float, stands: bool, told: bool) -> None:
    standing = [("rule.leverage.asset", "", "BTC")] if stands else []
    found = alerts_of_findings([finding("leverage.asset", "BTC", used, Status.OK)], NEAR, START, standing)
    assert bool(found) is told


def layer(head: State, dear: bool = False) -> LayerHealth:
    clocks = {
        HEAD: ClockView(clock=HEAD, state=head, why="no block"),
        BATCHES: ClockView(clock=BATCHES, state=State.OK),
    }
    fees = Fees(base_gwei=9.0, median_gwei=1.0, usual_gwei=1.0, high_gwei=5.0) if dear else None
    return LayerHealth(layer="base", name="Base", as_of_ns=START, clocks=clocks, agreement=Agreement(), fees=fees)


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        (State.HALTED, Severity.PAGE), (State.ROLLED_BACK, Severity.PAGE), (State.UNKNOWN, Severity.WARN),
        (State.DEGRADED, Severity.WARN),
    ],
)  # fmt: skip
def test_a_layer_that_stopped_pages_and_one_that_is_not_known_is_not_ok(state: State, severity: Severity) -> None:
    (found,) = alerts_of_layers([layer(state)])
    assert (found.kind, found.severity, found.symbol) == (
        "layer.health",
        severity,
        "base",
    ) and "no block" in found.sentence


def test_a_layer_that_is_well_says_nothing_but_that_gas_is_dear() -> None:
    assert alerts_of_layers([layer(State.OK)]) == ()
    assert [one.kind for one in alerts_of_layers([layer(State.OK, dear=True)])] == ["layer.gas"]


def test_money_that_is_late_warns_and_money_that_is_stuck_pages() -> None:
    def sent(**parts: object) -> Transfer:
        return Transfer(asset="USDC", amount=5.0, source="base", destination="dydx-0", **parts)  # type: ignore[arg-type]

    some = [sent(arrives_ns=START - 1), sent(stuck=True), sent(arrives_ns=START), sent()]
    assert [one.kind for one in alerts_of_transfers(some, START)] == ["bridge.late", "bridge.stuck"]


def test_only_what_was_looked_for_is_over() -> None:
    standing = [alert("rule.a"), alert("layer.health"), alert("drawdown.daily"), alert("rule.b"), alert("kill")]
    found = over(standing, [alert("rule.b")], ["rule.", "drawdown."], START)
    assert [(one.kind, one.resolved) for one in found] == [("rule.a", True)]


def test_a_figure_is_held_against_its_own_past_which_its_outliers_do_not_move() -> None:
    past = [1.0 + 0.01 * (number % 5) for number in range(40)] + [1e6, 1e6]
    found = against(1.5, past)
    assert found and found.middle == pytest.approx(1.02) and found.away > 20
    assert against(1.03, past).away < 1  # type: ignore[union-attr]
    assert against(1.5, past[: LEAST - 1]) is None


def quote(bid: float, ask: float, size: float = 1.0, mark: float = 100.0) -> dict[tuple[str, str], Quote]:
    depth = Depth(bids=((bid, size),), asks=((ask, size),))
    return {("hl", "BTC:USD"): Quote(venue="hl", symbol="BTC:USD", mark_price=mark, index_price=100.0, depth=depth)}


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        (quote(99.99, 100.01), []),
        (quote(99.0, 101.0), ["market.spread"]),
        (quote(99.99, 100.01, size=0.1), ["market.depth"]),
        (quote(99.99, 100.01, mark=103.0), ["market.basis"]),
        (quote(99.99, 100.01, mark=97.0), ["market.basis"]),
        (quote(99.999, 100.001, size=9.0), []),
        (quote(101.0, 99.0), []),
    ],
)
def test_what_is_far_from_its_past_warns_on_the_bad_side_only(
    now: dict[tuple[str, str], Quote], kinds: list[str]
) -> None:
    past = [figures_of(quote(99.99 - 1e-3 * (n % 3), 100.01, mark=100.0 + 0.01 * (n % 4))) for n in range(LEAST)]
    assert [one.kind for one in unusual(figures_of(now), past, 6.0, START)] == kinds


def test_every_kind_is_named_once() -> None:
    names = [one.name for one in every_kind()]
    assert len(set(names)) == len(names) and "rule.leverage.*" in names
    assert all(one.severities and one.about for one in every_kind())
