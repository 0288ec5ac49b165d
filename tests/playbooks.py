"""Playbooks drawn at random from the schema, by Hypothesis."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from perpbook.playbook.automation_section import TRADED
from perpbook.playbook.keys import KnownKey, schema_keys
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schema import Playbook

BASE = """
schema_version = 1
[[capital.sleeves]]
name = "core"
tags = ["core"]
[[capital.sleeves]]
name = "reserve"
[survival]
kinds = ["joint", "broken"]
funding_flip = true
[rebalance]
cadence = "daily"
[guardrails]
daily_drawdown = 0.05
take_profit = [{ gain = 0.2, close = 0.5 }]
[funding]
expected_max = 0.9
response = "rotate"
[drill]
max_chance = 0.5
[hedge]
delta_band = 0.1
[venues]
survive_loss_of_any = true
[layers]
survive_loss_of_any = true
gas = { base = 0.5 }
[automation]
auto = ["survival"]
volatility = { default = 0.9 }
liquidation_budget = 0.01
patience_seconds = 30
max_per_action = 1000
max_per_hour = 2000
max_per_day = 3000
[alerts]
modes = { "funding.*" = "digest" }
"""
"""A playbook in which every built key acts."""

SETTINGS = {
    "schema_version": "",
    "name": 'name = "mine"',
    "near": "near = 0.7",
    "data.prices_max_age_minutes": "[data]\nprices_max_age_minutes = 5",
    "data.terms_max_age_days": "[data]\nterms_max_age_days = 30",
    "capital.sleeves[].name": 'name = "kernel"',
    "capital.sleeves[].target": "target = 0.5",
    "capital.sleeves[].min": "min = 0.1",
    "capital.sleeves[].max": "max = 0.6",
    "capital.sleeves[].venues": 'venues = ["dydx"]',
    "capital.sleeves[].symbols": 'symbols = ["BTC*"]',
    "capital.sleeves[].tags": 'tags = ["other"]',
    "rebalance.cadence": 'cadence = "0 8 * * 1"',
    "rebalance.timezone": 'timezone = "Europe/Zurich"',
    "rebalance.drift": "drift = 0.1",
    "rebalance.minimum_trade": "minimum_trade = 50",
    "rebalance.cost_aware": "cost_aware = false",
    "leverage.asset.*": "[leverage.asset]\nBTC = 2",
    "leverage.account.gross": "[leverage.account]\ngross = 4",
    "leverage.account.net": "[leverage.account]\nnet = 4",
    "leverage.account.effective": "[leverage.account]\neffective = 4",
    "leverage.book.gross": "[leverage.book]\ngross = 4",
    "leverage.book.net": "[leverage.book]\nnet = 4",
    "leverage.book.effective": "[leverage.book]\neffective = 4",
    "survival.moves": "moves = [0.3]",
    "survival.kinds": 'kinds = ["broken", "beta"]',
    "survival.correlation_stress": "correlation_stress = 0.9",
    "survival.buffer": "buffer = 0.2",
    "survival.funding_flip": "funding_flip = false",
    "survival.horizon": 'horizon = "3d"',
    "survival.depth_loss": "depth_loss = 0.5",
    "guardrails.position_loss": "position_loss = 0.04",
    "guardrails.daily_drawdown": "daily_drawdown = 0.06",
    "guardrails.weekly_drawdown": "weekly_drawdown = 0.2",
    "guardrails.drawdown_action": 'drawdown_action = "halt"',
    "guardrails.rearm": 'rearm = "manual"',
    "guardrails.take_profit[].gain": "take_profit = [{ gain = 0.3, close = 0.5 }]",
    "guardrails.take_profit[].close": "take_profit = [{ gain = 0.2, close = 0.6 }]",
    "guardrails.slack": "slack = 0.1",
    "guardrails.cooldown_minutes": "cooldown_minutes = 0",
    "funding.daily_cap": "daily_cap = 0.01",
    "funding.daily_cap_asset.*": "daily_cap_asset = { BTC = 0.01 }",
    "funding.daily_cap_venue.*": "daily_cap_venue = { default = 0.01 }",
    "funding.projected_cap": "projected_cap = 0.01",
    "funding.flip_after": "flip_after = 6",
    "funding.expected_max": "expected_max = 0.8",
    "funding.response": 'response = "move"',
    "funding.payback_days": "payback_days = 3",
    "funding.skew_alert": "skew_alert = 0.5",
    "margin.isolated": '[margin]\nisolated = ["core"]',
    "margin.cross": '[margin]\ncross = ["core"]',
    "margin.top_up": '[margin]\ntop_up = "never"',
    "venues.max_share": "max_share = 0.4",
    "venues.shares.*": "shares = { dydx = 0.3 }",
    "venues.survive_loss_of_any": "survive_loss_of_any = false",
    "venues.left_after_loss": "left_after_loss = 0.7",
    "layers.max_share": "max_share = 0.4",
    "layers.shares.*": "shares = { base = 0.3 }",
    "layers.survive_loss_of_any": "survive_loss_of_any = false",
    "layers.left_after_loss": "left_after_loss = 0.3",
    "layers.bridge_max_share": "bridge_max_share = 0.1",
    "layers.stablecoin_max_share": "stablecoin_max_share = 0.6",
    "layers.reserves.*": "reserves = { base = 1000 }",
    "layers.gas.*": "gas = { base = 0.1 }",
    "layers.gas_coins.*": 'gas_coins = { base = "ETH" }',
    "drill.cadence": 'cadence = "0 8 * * 1"',
    "drill.timezone": 'timezone = "Europe/Zurich"',
    "drill.storms": 'storms = ["flash-crash"]',
    "drill.paths": "paths = 2000",
    "drill.horizon": 'horizon = "3d"',
    "drill.kind": 'kind = "student"',
    "drill.judged": 'judged = "alone"',
    "drill.max_chance": "max_chance = 0.01",
    "drill.max_shortfall": "max_shortfall = 0.2",
    "drill.max_storms": "max_storms = 3",
    "hedge.delta_band": "delta_band = 0.2",
    "hedge.assets": 'assets = ["BTC"]',
    "hedge.beta": 'beta = "ewma"',
    "hedge.tail_budget": "tail_budget = 0.1",
    "hedge.options": "options = true",
    "liquidity.max_depth_share": "[liquidity]\nmax_depth_share = 0.5",
    "automation.default": 'default = "auto"',
    "automation.auto": 'auto = ["leverage.book.gross"]',
    "automation.max_per_order": "max_per_order = 500",
    "automation.max_per_action": "max_per_action = 700",
    "automation.max_per_hour": "max_per_hour = 2500",
    "automation.max_per_day": "max_per_day = 4000",
    "automation.collar": "collar = 0.01",
    "automation.approval_expires_minutes": "approval_expires_minutes = 5",
    "automation.quiet_hours": 'quiet_hours = "22:00-07:00"',
    "liquidity.spread_alert": "[liquidity]\nspread_alert = 0.01",
    "automation.volatility.*": "volatility = { BTC = 0.5, default = 1.0 }",
    "automation.correlation": "correlation = 0.5",
    "automation.liquidation_budget": "liquidation_budget = 0.02",
    "automation.patience_seconds": "patience_seconds = 45",
    "automation.dead_man_seconds": "dead_man_seconds = 60",
    "liquidity.max_exit_minutes": "[liquidity]\nmax_exit_minutes = 30",
    "exit.triggers": '[exit]\ntriggers = ["guardrails.daily_drawdown"]',
    "exit.order": '[exit]\norder = ["core"]',
    "exit.steps": "[exit]\nsteps = 2",
    "exit.slippage_max": "[exit]\nslippage_max = 0.02",
    "exit.destination": '[exit]\ndestination = "base"',
    "alerts.channels.*": 'channels = { desk = "console" }',
    "alerts.routes.*": 'routes = { page = ["console"] }',
    "alerts.modes.*": 'modes = { "bridge.*" = "silent" }',
    "alerts.digest": 'digest = "weekly"',
    "alerts.timezone": 'timezone = "Europe/Zurich"',
    "alerts.quiet_hours": 'quiet_hours = "22:00-07:00"',
    "alerts.escalate_after_minutes": "escalate_after_minutes = 5",
    "alerts.repeat_minutes": "repeat_minutes = 20",
    "alerts.resolve_after_minutes": "resolve_after_minutes = 0",
    "alerts.max_per_hour": "max_per_hour = 5",
    "alerts.telegram_users": "telegram_users = [7]",
    "alerts.margin_ratio": "margin_ratio = 0.5",
    "alerts.liquidation_move": "liquidation_move = 0.1",
    "alerts.unusual": "unusual = 6",
}
"""One setting of every built key, as it would be written into BASE."""

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
SIMPLE = st.sampled_from(["BTC", "ETH", "default", "dydx", "base", "kPEPE", "BTC/USD.P", "a b"])
SHARES = st.floats(0, 1) | st.sampled_from([0.0, 0.05, 0.1, 0.2, 1.0])
POSITIVES = st.floats(0, 1e9, exclude_min=True) | st.integers(1, 10)
KINDS = st.sampled_from(["joint", "asset", "beta", "broken"])


def built_keys() -> list[KnownKey]:
    """Every key of the schema that holds a value."""
    found = [key for key in schema_keys() if not key.table]
    named = {key.path.removesuffix(".*") for key in found if key.path.endswith(".*")}
    return [key for key in found if key.path not in named]


def base_with(path: str) -> Playbook:
    """BASE with one key set as SETTINGS says."""
    line, lines = SETTINGS[path], BASE.strip().splitlines()
    header = f"[{path.split('.')[0]}]"
    if path.startswith("capital."):
        rows = lines[1:4] if path.endswith((".name", ".tags")) else [*lines[1:4], line]
        rows = [line if row.split(" = ")[0] == line.split(" = ")[0] else row for row in rows]
        lines[1:4] = rows
    elif header in lines:
        start = lines.index(header) + 1
        end = next((n for n in range(start, len(lines)) if lines[n].startswith("[")), len(lines))
        kept = [row for row in lines[start:end] if row.split(" = ")[0] != line.split(" = ")[0]]
        lines[start:end] = [line, *kept]
    elif "[" in line.split("=")[0]:
        lines.append(line)
    else:
        lines.insert(1, line)
    return parse_playbook("\n".join(lines), "base.toml")


def table(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A table with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


def _tuples(of: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=least, max_size=3).map(tuple)


FILTERS = table(venues=_tuples(SIMPLE), symbols=_tuples(NAMES), tags=_tuples(NAMES))
SIDES = st.sampled_from(["", "isolated", "cross"])
ACTS = table(default=st.sampled_from(["propose", "auto"]), auto=_tuples(st.sampled_from(TRADED)))
LIMITS = table(
    max_per_order=POSITIVES, collar=st.floats(0.001, 0.5), approval_expires_minutes=POSITIVES,
    quiet_hours=st.sampled_from(["22:00-07:00", "00:00-12:30"]),
    correlation=SHARES, dead_man_seconds=st.floats(15, 600),
)  # fmt: skip


@st.composite
def sleeves(draw: st.DrawFn) -> dict[str, Any]:
    """[capital] and a [margin] that fits it."""
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    rows = []
    for name in names:
        low, aim, high = sorted(draw(st.tuples(SHARES, SHARES, SHARES)))
        bounds = draw(table(min=st.just(low), target=st.just(aim / max(len(names), 1)), max=st.just(high)))
        if "target" in bounds:
            bounds.pop("min", None)
        filters = draw(FILTERS)
        rows.append({"name": name, **bounds, **filters})
    sides = draw(st.lists(SIDES, min_size=len(names), max_size=len(names)))
    modes = {side: tuple(n for n, s in zip(names, sides, strict=True) if s == side) for side in ("isolated", "cross")}
    return {"capital": {"sleeves": tuple(rows)}, **draw(table(margin=st.just(modes)))}


def _ids() -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, 2**40), max_size=3).map(tuple)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[dict[str, float], ...]:
    """Profit steps whose gains rise."""
    gains = sorted(draw(st.sets(st.floats(1e-6, 1e6), max_size=3)))
    return tuple({"gain": gain, "close": draw(SHARES)} for gain in gains)


@st.composite
def automations(draw: st.DrawFn) -> dict[str, Any]:
    """What may act, capped wherever something does."""
    caps = sorted(draw(st.lists(POSITIVES, min_size=3, max_size=3)))
    named = dict(zip(("max_per_action", "max_per_hour", "max_per_day"), caps, strict=True))
    acts, rest = draw(ACTS), draw(LIMITS)
    swings = {"volatility": {"BTC": 0.5, "default": 1.0}}
    budget = {**swings, "liquidation_budget": draw(SHARES)}
    rest |= draw(st.sampled_from([{}, swings, budget, {**budget, "patience_seconds": 20.0}]))
    return {**acts, **rest, **draw(st.sampled_from([named]) if acts else st.sampled_from([{}, named]))}


@cache
def playbooks() -> st.SearchStrategy[Playbook]:
    """Any playbook this version acts on."""
    caps = table(gross=POSITIVES, net=POSITIVES, effective=POSITIVES)
    shares: dict[str, Any] = {
        "max_share": SHARES, "shares": st.dictionaries(SIMPLE | NAMES, SHARES, max_size=3),
        "survive_loss_of_any": st.booleans(), "left_after_loss": st.floats(0.01, 1),
    }  # fmt: skip
    amounts = st.dictionaries(SIMPLE | NAMES, POSITIVES, min_size=1, max_size=3)
    layers = table(
        **shares, bridge_max_share=SHARES, stablecoin_max_share=SHARES, reserves=amounts, gas=amounts,
        gas_coins=st.dictionaries(SIMPLE | NAMES, SIMPLE, min_size=1, max_size=3),
    )  # fmt: skip
    moves = st.floats(0, 1, exclude_min=True, exclude_max=True) | st.sampled_from([0.05, 0.1, 0.15])
    sections = table(
        name=NAMES,
        near=st.floats(0, 1, exclude_min=True, exclude_max=True),
        data=table(prices_max_age_minutes=POSITIVES, terms_max_age_days=POSITIVES),
        leverage=table(asset=st.dictionaries(SIMPLE | NAMES, POSITIVES, max_size=3), account=caps, book=caps),
        survival=table(
            moves=_tuples(moves, 1), kinds=_tuples(KINDS, 1), correlation_stress=SHARES, buffer=SHARES,
            funding_flip=st.booleans(), horizon=st.sampled_from(["8h", "24h", "7d"]), depth_loss=st.floats(0, 0.99),
        ),
        rebalance=table(
            cadence=st.sampled_from(["daily", "weekly", "monthly", "0 8 * * 1", "*/15 9-17 * * mon-fri"]),
            timezone=st.sampled_from(["UTC", "Europe/Zurich", "America/New_York"]),
            drift=SHARES, minimum_trade=POSITIVES, cost_aware=st.booleans(),
        ),
        guardrails=table(
            position_loss=SHARES, daily_drawdown=SHARES, weekly_drawdown=SHARES,
            drawdown_action=st.sampled_from(["flatten", "halt"]), rearm=st.sampled_from(["next", "manual"]),
            take_profit=ladders(), slack=st.floats(0, 1, exclude_max=True), cooldown_minutes=st.floats(0, 1e6),
        ),
        funding=table(
            daily_cap=SHARES,
            daily_cap_asset=st.dictionaries(SIMPLE | NAMES, SHARES, max_size=3),
            daily_cap_venue=st.dictionaries(SIMPLE | NAMES, SHARES, max_size=3),
        ),
        venues=table(**shares),
        layers=layers,
        drill=table(
            cadence=st.sampled_from(["daily", "weekly", "0 8 * * 1"]), timezone=st.sampled_from(["UTC", "Europe/Zurich"]),
            storms=_tuples(SIMPLE), paths=st.integers(800, 1_000_000), horizon=st.sampled_from(["24h", "7d", "90d"]),
            kind=st.sampled_from(["bootstrap", "student"]), judged=st.sampled_from(["playbook", "alone"]),
            max_chance=SHARES, max_shortfall=SHARES, max_storms=st.integers(0, 100),
        ),
        hedge=table(delta_band=POSITIVES, assets=_tuples(SIMPLE)),
        liquidity=table(max_depth_share=POSITIVES, max_exit_minutes=POSITIVES, spread_alert=SHARES),
        exit=table(
            triggers=st.just(("account.margin",)), order=st.lists(NAMES, unique=True, max_size=3).map(tuple),
            steps=st.integers(1, 50), slippage_max=st.floats(0.001, 0.9), destination=SIMPLE,
        ),
        automation=automations(),
        alerts=table(
            channels=st.just({"a": "console", "b": "webhook:HOOK"}), digest=st.sampled_from(["daily", "weekly"]),
            modes=st.dictionaries(st.sampled_from(["warn", "funding.*", "a.*:page"]), st.sampled_from(["silent", "digest"])),
            timezone=st.sampled_from(["UTC", "Europe/Zurich"]), quiet_hours=st.sampled_from(["22:00-07:00", "12:00-13:30"]),
            escalate_after_minutes=st.floats(1, 1e4), repeat_minutes=st.floats(1, 1e4), resolve_after_minutes=st.floats(0, 1e4),
            max_per_hour=st.integers(1, 1000), telegram_users=_ids(), margin_ratio=SHARES,
            liquidation_move=SHARES, unusual=POSITIVES,
        ),
    )  # fmt: skip
    return st.builds(
        lambda parts, capital: Playbook.model_validate({"schema_version": 1, **parts, **capital}),
        sections,
        st.just({}) | sleeves(),
    )
