"""Findings become sentences: from reason codes and numbers to what a trader reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perpbook.kernels import state as codes
from perpbook.kernels.state import Findings, Policy
from perpbook.margin.arrays import Item
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.compile import Names

ROUNDING = 1e-9
"""Relative: at the limit is not beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one rule is named and told. `floor`: the limit is a minimum."""

    rule: str
    unit: str
    tell: str
    hint: str | None = None
    floor: bool = False


WORDINGS = {
    codes.ACCOUNT_DEAD: Wording(
        rule="account.margin",
        unit="share",
        tell="{who} holds less than its maintenance margin: the venue may liquidate it at any moment.",
        hint="Add collateral to {who}, or close part of it, at once.",
    ),
    codes.DAILY_DRAWDOWN: Wording(
        rule="guardrails.daily_drawdown", unit="share", tell="The book has lost {value} today; the most is {limit}."
    ),
    codes.WEEKLY_DRAWDOWN: Wording(
        rule="guardrails.weekly_drawdown",
        unit="share",
        tell="The book has lost {value} this week; the most is {limit}.",
    ),
    codes.FUNDING_BOOK: Wording(
        rule="funding.daily_cap",
        unit="share",
        tell="Funding has cost {value} of book equity today; the most is {limit}.",
    ),
    codes.FUNDING_ASSET: Wording(
        rule="funding.daily_cap_asset",
        unit="share",
        tell="Funding of {who} has cost {value} of book equity today; the most is {limit}.",
    ),
    codes.FUNDING_VENUE: Wording(
        rule="funding.daily_cap_venue",
        unit="share",
        tell="Funding on {who} has cost {value} of book equity today; the most is {limit}.",
    ),
    codes.FUNDING_PROJECTED: Wording(
        rule="funding.projected_cap",
        unit="share",
        tell="By midnight UTC funding will have cost {value} of book equity at the rates in force; the most is {limit}.",
    ),
    codes.FUNDING_FLIP: Wording(
        rule="funding.flip_after",
        unit="count",
        tell="{who} has paid {value} settlements in a row since it last received; the most is {limit}.",
    ),
    codes.FUNDING_EXPECTED: Wording(
        rule="funding.expected_max",
        unit="share",
        tell="{who} is expected to pay {value} a year; the most is {limit}.",
    ),
    codes.FUNDING_MOVED: Wording(
        rule="funding.response", unit="share", tell="{who} takes over what costs more elsewhere."
    ),
    codes.FUNDING_SKEW: Wording(
        rule="funding.skew_alert",
        unit="share",
        tell="Funding of {who} runs at {value} a year, one way or the other; the alert is at {limit}.",
        hint="No trade is asked for: many stand on one side of this market, and leave it together.",
    ),
    codes.TAKE_PROFIT: Wording(
        rule="guardrails.take_profit", unit="share", tell="{who} has gained {value}; profit is taken at {limit}."
    ),
    codes.HEDGE_BAND: Wording(
        rule="hedge.delta_band",
        unit="share",
        tell="{who} leans to one side by {value} of book equity, coins included; the most is {limit}.",
        hint="Contracts on the heavier side are trimmed. Where coins lean, sell some or hedge them: no rule does.",
    ),
    codes.REBALANCE: Wording(
        rule="rebalance",
        unit="share",
        tell="{who} has strayed {value} of book equity from its target; {limit} is let be.",
    ),
    codes.POSITION_LOSS: Wording(
        rule="guardrails.position_loss",
        unit="share",
        tell="{who} has lost {value} of book equity; the most is {limit}.",
    ),
    codes.SURVIVAL: Wording(
        rule="survival",
        unit="share",
        tell="In '{scenario}' {who} needs {value} of its equity as margin; the most is {limit}.",
    ),
    codes.ASSET_LEVERAGE: Wording(
        rule="leverage.asset", unit="x", tell="{who} stands at {value} book equity; its cap is {limit}."
    ),
    codes.ACCOUNT_GROSS: Wording(
        rule="leverage.account.gross", unit="x", tell="{who} is {value} levered gross; the cap is {limit}."
    ),
    codes.ACCOUNT_NET: Wording(
        rule="leverage.account.net", unit="x", tell="{who} is {value} levered net; the cap is {limit}."
    ),
    codes.ACCOUNT_EFFECTIVE: Wording(
        rule="leverage.account.effective",
        unit="x",
        tell="{who} dies where a single {value} position would; the cap is {limit}.",
    ),
    codes.BOOK_GROSS: Wording(
        rule="leverage.book.gross", unit="x", tell="The book is {value} levered gross; the cap is {limit}."
    ),
    codes.BOOK_NET: Wording(
        rule="leverage.book.net", unit="x", tell="The book is {value} levered net; the cap is {limit}."
    ),
    codes.BOOK_EFFECTIVE: Wording(
        rule="leverage.book.effective",
        unit="x",
        tell="The first account to die dies where a single {value} position would; the cap is {limit}.",
    ),
    codes.VENUE_SHARE: Wording(
        rule="venues.max_share",
        unit="share",
        tell="{value} of book equity stands on {who}; the most is {limit}.",
        hint="Move money off {who}: no trade mends this.",
    ),
    codes.LAYER_SHARE: Wording(
        rule="layers.max_share",
        unit="share",
        tell="{value} of book equity stands on {who}; the most is {limit}.",
        hint="Move money off {who}: no trade mends this.",
    ),
    codes.DEPTH_SHARE: Wording(
        rule="liquidity.max_depth_share",
        unit="share",
        tell="{who} is {value} of the depth it would be closed into; the most is {limit}.",
    ),
    codes.MARGIN_MODE: Wording(
        rule="margin.mode",
        unit="mode",
        tell="{who} is margined {mode}.",
        hint="Reopen {who} in the other margin mode: a trim does not change it.",
    ),
    codes.SLEEVE_MIN: Wording(
        rule="capital.sleeves.min",
        unit="share",
        tell="Sleeve {who} holds {value} of book equity; the least is {limit}.",
        hint="Move money into {who}.",
        floor=True,
    ),
    codes.SLEEVE_MAX: Wording(
        rule="capital.sleeves.max",
        unit="share",
        tell="Sleeve {who} holds {value} of book equity; the most is {limit}.",
        hint="Move money out of {who}.",
    ),
    codes.BRIDGE_SHARE: Wording(
        rule="layers.bridge_max_share",
        unit="share",
        tell="{value} of book equity is under way over {who}; the most is {limit}.",
        hint="Send nothing more over {who} until some of it has arrived.",
    ),
    codes.STABLECOIN_SHARE: Wording(
        rule="layers.stablecoin_max_share",
        unit="share",
        tell="{value} of book equity stands in {who}; the most is {limit}.",
        hint="Change some {who} into another coin: no trade of contracts mends this.",
    ),
    codes.VENUE_LOSS: Wording(
        rule="venues.survive_loss_of_any",
        unit="share",
        tell="Without {who} {value} of book equity is left{after}; the least is {limit}.",
        hint="Hold less on {who}, or less of what its positions hedge elsewhere.",
        floor=True,
    ),
    codes.LAYER_LOSS: Wording(
        rule="layers.survive_loss_of_any",
        unit="share",
        tell="Without {who} {value} of book equity is left{after}; the least is {limit}.",
        hint="Hold less on {who}, or less of what its positions hedge elsewhere.",
        floor=True,
    ),
    codes.LAYER_RESERVE: Wording(
        rule="layers.reserves",
        unit="dollars",
        tell="{who} has {value} free, with what is on its way there; its reserve is {limit}.",
        hint="Send {missing} to {who}.",
        floor=True,
    ),
    codes.LAYER_GAS: Wording(
        rule="layers.gas",
        unit="coins",
        tell="{who} has {value} {coin} for its fees, with what is on its way there; the least is {limit}.",
        hint="Send {missing} {coin} to {who}.",
        floor=True,
    ),
}

NOTHING_LEFT = "In '{scenario}' {who} has no equity left: it is liquidated on the way."

UNITS: dict[str, Callable[[float], str]] = {
    "x": lambda value: f"{value:.2f}x" if value < float("inf") else "infinitely",
    "share": lambda value: f"{value:.1%}" if value < float("inf") else "more than all",
    "count": lambda value: f"{value:.0f}",
    "mode": lambda value: "wrong" if value else "right",
    "dollars": lambda value: f"${value:,.0f}",
    "coins": lambda value: f"{value:.6g}",
}

OF_POSITIONS = frozenset(
    {
        *(codes.POSITION_LOSS, codes.DEPTH_SHARE, codes.MARGIN_MODE, codes.TAKE_PROFIT, codes.REBALANCE),
        *(codes.FUNDING_FLIP, codes.FUNDING_EXPECTED, codes.FUNDING_MOVED, codes.FUNDING_SKEW),
    }
)
"""Rules whose subject is a position."""

OF_NAMES = {
    **dict.fromkeys((codes.ASSET_LEVERAGE, codes.FUNDING_ASSET, codes.HEDGE_BAND), "assets"),
    **dict.fromkeys((codes.ACCOUNT_DEAD, codes.SURVIVAL), "accounts"),
    **dict.fromkeys((codes.ACCOUNT_GROSS, codes.ACCOUNT_NET, codes.ACCOUNT_EFFECTIVE), "accounts"),
    **dict.fromkeys((codes.SLEEVE_MIN, codes.SLEEVE_MAX), "sleeves"),
    **dict.fromkeys((codes.VENUE_SHARE, codes.FUNDING_VENUE, codes.VENUE_LOSS), "venues"),
    **dict.fromkeys((codes.LAYER_SHARE, codes.LAYER_LOSS, codes.LAYER_RESERVE, codes.LAYER_GAS), "layers"),
    codes.BRIDGE_SHARE: "bridges",
    codes.STABLECOIN_SHARE: "stablecoins",
}
"""What the subject of the other rules is, as a field of `Names`; of the rest it is the book."""

SEVERITY = {Status.BREACH: 0, Status.NEAR: 1, Status.OK: 2}


def findings_in_words(found: Findings, policy: Policy, names: Names, assessed: Assessed) -> tuple[Finding, ...]:
    """Every finding with its sentence, breaches first, in order of precedence."""
    rows = range(int(found.rows[0]))
    told = [_finding(found, row, policy, names, assessed) for row in rows if found.limit[row] != float("inf")]
    return tuple(sorted(told, key=lambda finding: SEVERITY[finding.status]))


def status_of(measured: float, limit: float, near: float, *, floor: bool = False) -> Status:
    """Beyond the limit, near it, or inside."""
    if floor:
        if measured < limit * (1 - ROUNDING):
            return Status.BREACH
        return Status.NEAR if measured * near < limit else Status.OK
    if measured > limit * (1 + ROUNDING):
        return Status.BREACH
    return Status.NEAR if limit > 0 and measured >= near * limit else Status.OK


def _finding(found: Findings, row: int, policy: Policy, names: Names, assessed: Assessed) -> Finding:
    code, subject = int(found.code[row]), int(found.subject[row])
    measured, limit = float(found.measured[row]), float(found.limit[row])
    wording = WORDINGS[code]
    scenario = assessed.scenarios[int(found.detail[row])] if found.detail[row] >= 0 else None
    who = _subject(code, subject, names, assessed)
    say = UNITS[wording.unit]
    words = {
        "who": who,
        "value": say(measured),
        "limit": say(limit),
        "missing": say(limit - measured),
        "coin": names.gas[subject] if code == codes.LAYER_GAS else "",
        "scenario": scenario.name if scenario else "",
        "after": f" after '{scenario.name}'" if scenario else "",
        "mode": "as its sleeve must be" if measured == 0 else "otherwise than its sleeve must be",
    }
    status = status_of(measured, limit, policy.near, floor=wording.floor)
    moved = scenario if code == codes.SURVIVAL else None
    quiet = status is not Status.BREACH and "{missing}" in (wording.hint or "")
    return Finding(
        rule=f"{wording.rule}.{moved.kind}" if moved else wording.rule,
        subject=f"±{abs(moved.size):.0%}: {who}" if moved else who,
        measured=measured,
        limit=limit,
        unit=wording.unit,
        used=_used(measured, limit, floor=wording.floor),
        status=status,
        sentence=(NOTHING_LEFT if moved and measured == float("inf") else wording.tell).format(**words),
        hint=wording.hint.format(**words) if wording.hint and not quiet else None,
    )


def _used(measured: float, limit: float, *, floor: bool) -> float:
    if floor:
        return limit / measured if measured > 0 else float("inf")
    if limit > 0:
        return measured / limit
    return 0.0 if measured <= 0 else float("inf")


def _subject(code: int, subject: int, names: Names, assessed: Assessed) -> str:
    if code in OF_POSITIONS:
        arrays = assessed.arrays
        return position_name(assessed, arrays.items[arrays.positions()[subject]])
    return getattr(names, OF_NAMES[code])[subject] if code in OF_NAMES else "book"


def position_name(assessed: Assessed, item: Item) -> str:
    """A position as a trader would name it: symbol @ account."""
    assert item.position is not None
    return f"{item.position.symbol} @ {assessed.arrays.accounts[item.account].id}"


def reason_words() -> dict[int, str]:
    """What each reason code is called in a playbook: `leverage.asset`, `survival`, ..."""
    return {code: wording.rule for code, wording in WORDINGS.items()}
