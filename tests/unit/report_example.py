"""A whole assessment and verdict made by hand: four accounts, deaths, breaches, two plans, four sleeves.

The numbers hang together loosely, as the report only shows them; odd cases are here on purpose: no liquidation price,
an infinity, unknown slippage, a venue that says otherwise.
"""

from __future__ import annotations

from math import inf

from perpbook.margin.assessment import (
    AccountAssessment,
    Assessment,
    BookAssessment,
    Caution,
    Death,
    MarginSummary,
    OrphanExposure,
    PositionAssessment,
    StressOutcome,
    VenueDifference,
)
from perpbook.model.account import MarginMode, Reported
from perpbook.model.units import from_iso
from perpbook.model.verdict import Binding, Finding, Plan, SleeveShare, Status, Trim, Verdict

MARKS = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 140.0, "DOGE": 0.31}


def account(
    name: str, venue: str, *, equity: float, notional: float, maintenance: float, **more: object
) -> AccountAssessment:
    down, up = more.pop("down", None), more.pop("up", None)
    ends = [end for end in (down, up) if isinstance(end, float)]
    values: dict[str, object] = {
        "id": name,
        "venue": venue,
        "layer": f"{venue}-l1",
        "mode": MarginMode.CROSS,
        "summary": MarginSummary(equity=equity, initial_margin=2.5 * maintenance, maintenance_margin=maintenance),
        "collateral": 0.9 * equity,
        "unrealized_pnl": 0.1 * equity,
        "notional": notional,
        "gross_leverage": notional / equity if equity > 0 else inf,
        "net_leverage": 0.4 * notional / equity if equity > 0 else inf,
        "effective_leverage": 1.0 / min(map(abs, ends), default=inf),
        "liquidation_move": min(ends, key=abs, default=None),
        "move_down": down,
        "move_up": up,
        "is_liquidatable": False,
        "equity_share": equity / 500_000.0,
        "orphans": (),
        "settle_price": 1.0,
        "reported": Reported(),
    }
    return AccountAssessment(**{**values, **more})  # type: ignore[arg-type]


def position(
    owner: str, symbol: str, asset: str, quantity: float, *, dies: float | None, **more: object
) -> PositionAssessment:
    mark = MARKS[asset]
    notional = abs(quantity) * mark
    values: dict[str, object] = {
        "account": owner,
        "venue": owner.split("-")[0],
        "symbol": symbol,
        "asset": asset,
        "quantity": quantity,
        "entry_price": 0.97 * mark,
        "mark_price": mark,
        "notional": notional,
        "exposure": quantity * mark,
        "unrealized_pnl": 0.03 * quantity * mark,
        "initial_margin": 0.05 * notional,
        "maintenance_margin": 0.02 * notional,
        "maintenance_margin_fraction": 0.02,
        "liquidation_price": None if dies is None else mark * (1 + dies),
        "liquidation_distance": None if dies is None else abs(dies),
        "first_closed": 0.0,
        "share_to_close": 0.0,
        "bankruptcy_price": None if dies is None else mark * (1 + 1.1 * dies),
        "equity_share": notional / 500_000.0,
        "beta": 1.0,
        "leverage": None,
        "tags": (),
        "mode": MarginMode.CROSS,
        "settle_price": 1.0,
        "reported": Reported(),
    }
    return PositionAssessment(**{**values, **more})  # type: ignore[arg-type]


ACCOUNTS = (
    account("hyperliquid-main", "hyperliquid", equity=210_000.0, notional=640_000.0, maintenance=16_000.0, down=-0.28,
            reported=Reported(equity=210_012.5, maintenance_margin=16_000.0)),
    account("dydx-0", "dydx", equity=72_000.0, notional=330_000.0, maintenance=12_500.0, down=-0.151, up=1.62,
            orphans=(OrphanExposure(asset="ETH", exposure_now=-60_000.0, exposure_after=-330_000.0),)),
    account("bybit-doge", "bybit", equity=2_400.0, notional=31_000.0, maintenance=620.0, layer=None, up=0.031,
            mode=MarginMode.ISOLATED),
    account("deribit-btc", "deribit", equity=134_000.0, notional=120_000.0, maintenance=1_200.0, settle_price=90_000.0,
            reported=Reported(equity=1.49), effective_leverage=0.0),
)  # fmt: skip

POSITIONS = (
    position("hyperliquid-main", "BTC", "BTC", 4.0, dies=-0.36, reported=Reported(liquidation_price=57_650.0), tags=("core",)),
    position("hyperliquid-main", "SOL", "SOL", 2_000.0, dies=-0.62, leverage=10.0, beta=1.4),
    position("dydx-0", "ETH-USD", "ETH", 110.0, dies=-0.19, tags=("neutral", "pair-eth")),
    position("bybit-doge", "DOGEUSDT", "DOGE", -100_000.0, dies=0.055, mode=MarginMode.ISOLATED, beta=1.8),
    position("deribit-btc", "BTC-PERPETUAL", "BTC", -1.333, dies=None, settle_price=90_000.0,
             reported=Reported(no_liquidation_price=True)),
)  # fmt: skip


def outcome(kind: str, name: str, size: float, loss: float, *deaths: Death, inside: float = 5_000.0) -> StressOutcome:
    return StressOutcome(
        scenario=name,
        kind=kind,
        size=size,
        loss=loss,
        loss_share=loss / 500_000.0,
        equity_after=500_000.0 - loss,
        deaths=deaths,
        worst_account="dydx-0",
        worst_surplus=-20_000.0 if deaths else inside,
        survives=not deaths and inside > 0,
    )


STRESS = (
    outcome("joint", "all -5%", -0.05, 22_000.0),
    outcome("joint", "all +5%", 0.05, -21_000.0),
    outcome("joint", "all -15%", -0.15, 66_000.0, inside=-740.0),
    outcome("joint", "all +15%", 0.15, -63_000.0),
    outcome("joint", "all -30%", -0.30, 290_000.0, Death(account="hyperliquid-main", fraction=0.93),
            Death(account="dydx-0", fraction=0.5)),
    outcome("asset", "ETH -30%", -0.30, 99_000.0, Death(account="dydx-0", fraction=0.63)),
    outcome("asset", "SOL -30%", -0.30, 84_000.0),
    outcome("asset", "BTC +30%", 0.30, -70_000.0),
    outcome("broken", "hedges break, market +15%", 0.15, 80_000.0, Death(account="bybit-doge", fraction=0.21)),
    outcome("broken", "hedges break, market -15%", -0.15, 91_000.0, Death(account="dydx-0", fraction=0.88)),
)  # fmt: skip


def finding(rule: str, subject: str, used: float, sentence: str, hint: str | None = None) -> Finding:
    status = Status.BREACH if used > 1 else Status.NEAR if used >= 0.8 else Status.OK
    return Finding(
        rule=rule,
        subject=subject,
        measured=5.0 * used,
        limit=5.0,
        unit="x",
        used=used,
        status=status,
        sentence=sentence,
        hint=hint,
    )


FINDINGS = (
    finding("survival.joint", "±30%: dydx-0", inf, "In 'all -30%' dydx-0 has no equity left: it is liquidated on the way."),
    finding("leverage.account.effective", "dydx-0", 1.32, "dydx-0 dies where a single 6.62x position would; the cap is 5.00x."),
    finding("leverage.asset", "ETH", 2.9, "ETH stands at 2.90x book equity; its cap is 1.00x."),
    finding("venues.max_share", "hyperliquid", 1.05, "42.0% of book equity stands on hyperliquid; the most is 40.0%.",
            "Move money off hyperliquid: no trade mends this."),
    finding("leverage.book.gross", "book", 0.93, "The book is 2.79x levered gross; the cap is 3.00x."),
    finding("capital.sleeves.min", "reserve", 0.81, "Sleeve reserve holds 18.4% of book equity; the least is 15.0%."),
    finding("leverage.book.net", "book", 0.41, "The book is 0.62x levered net; the cap is 1.50x."),
    finding("guardrails.position_loss", "BTC @ hyperliquid-main", 0.0,
            "BTC @ hyperliquid-main has lost 0.0% of book equity; the most is 2.0%."),
)  # fmt: skip


def trim(symbol: str, asset: str, owner: str, before: float, after: float, *, slippage: float | None) -> Trim:
    closed = abs(before - after) * MARKS[asset]
    return Trim(
        account=owner,
        symbol=symbol,
        quantity_before=before,
        quantity_after=after,
        notional_closed=closed,
        fees=0.0005 * closed,
        slippage=slippage or 0.0,
        slippage_known=slippage is not None,
        rules=("leverage.asset", "survival.joint"),
    )


CHEAPEST = Plan(
    method="cheapest",
    trims=(
        trim("ETH-USD", "ETH", "dydx-0", 110.0, 74.5, slippage=21.4),
        trim("DOGEUSDT", "DOGE", "bybit-doge", -100_000.0, 0.0, slippage=None),
    ),
    cost=90.15,
    restores=True,
    uniform_scale=None,
    bindings=(
        Binding(name="all -30%", account="dydx-0", per_dollar=0.0031),
        Binding(name="leverage.asset ETH", account="dydx-0", per_dollar=0.021),
    ),
    remaining=("venues.max_share",),
)

UNIFORM = Plan(
    method="uniform",
    trims=(
        trim("ETH-USD", "ETH", "dydx-0", 110.0, 38.0, slippage=60.0),
        trim("BTC", "BTC", "hyperliquid-main", 4.0, 1.4, slippage=12.0),
    ),
    cost=296.9,
    restores=False,
    uniform_scale=0.35,
    bindings=(),
    remaining=(),
)

SLEEVES = (
    SleeveShare(name="core", capital=288_000.0, share=0.576, target=0.50, least=None, most=0.65),
    SleeveShare(name="neutral", capital=84_500.0, share=0.169, target=0.25, least=0.20, most=0.40),
    SleeveShare(name="reserve", capital=92_000.0, share=0.184, target=0.20, least=0.15, most=None),
    SleeveShare(name="unassigned", capital=35_500.0, share=0.071, target=None, least=None, most=None),
)

ASSESSMENT = Assessment(
    as_of_ns=from_iso("2026-11-20T12:00:00+00:00"),
    book_source="desk/book.toml",
    market_source="desk/book.toml",
    simulated=True,
    terms=(("dydx", "2026-11-14"), ("hyperliquid", "2026-11-16"), ("bybit", "2026-11-12"), ("deribit", "2026-11-12")),
    book=BookAssessment(
        equity=500_000.0,
        accounts_equity=415_650.0,
        layers_value=64_350.0,
        in_transit=20_000.0,
        summary=MarginSummary(equity=415_650.0, initial_margin=75_800.0, maintenance_margin=30_320.0),
        notional=1_121_000.0,
        unrealized_pnl=-41_500.0,
        gross_leverage=2.24,
        net_leverage=-0.62,
        effective_leverage=18.4,
        liquidation_move=0.031,
        first_to_die="bybit-doge",
    ),
    accounts=ACCOUNTS,
    positions=POSITIONS,
    stress=STRESS,
    differences=(
        VenueDifference(account="deribit-btc", symbol=None, quantity="equity", ours=1.48889, theirs=1.49, relative=-0.00075),
        VenueDifference(account="bybit-doge", symbol="DOGEUSDT", quantity="liquidation_price",
                        ours=0.3069, theirs=None, relative=None),
    ),
    cautions=(
        Caution(code="stale-terms", message="The terms of bybit are 121 days old: check the tiers before a large trade."),
        Caution(code="assumed-price", message="No oracle price for SOL on hyperliquid: the mark was taken."),
    ),
)  # fmt: skip

VERDICT = Verdict(status=Status.BREACH, findings=FINDINGS, plans=(UNIFORM, CHEAPEST), sleeves=SLEEVES)
