"""Accounts with static positions on real history: what each holds, and on which days it dies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tests.reference.recorded_history import HOUR_MS, Series, Span, series_of
from tests.reference.slow_account import Held, SlowAccount, Story, live
from tests.reference.venue_rules import rules_of

BINANCE_1H = "candles/binance_perp_1h.parquet"
BINANCE_4H = "events/stress_windows_binance_perp_4h_all.parquet"
HYPERLIQUID_1H = "candles/hyperliquid_perp_1h.parquet"
BYBIT_5M = "candles/bybit_perp_5m.parquet"
OKX_5M = "candles/okx_perp_5m_2022.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A contract: `times` its notional over the account's dollars at the first open, > 0 long; `bought` entry over open."""

    symbol: str
    base: str
    times: str
    leverage: int | None = None
    bought: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account. `dies`: the days on which its venue closes something; none when it lives.

    `prices` is (file, venue) of the prices, `funding` the venue of the funding (None: taken as zero); `quote` is of its
    symbols there.
    """

    name: str
    venue: str
    legs: tuple[Leg, ...]
    span: Span
    prices: tuple[str, str] = (BINANCE_1H, "binance")
    funding: str | None = "binance"
    quote: str = "USDT"
    funding_quote: str = "USDT"
    cash: int = 100_000
    adverse: bool = True
    dies: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.name

    def history(self) -> dict[str, Series]:
        """The files' own numbers."""
        out = {}
        for leg in self.legs:
            paid = (self.funding, f"{leg.base}-{self.funding_quote}") if self.funding else None
            out[leg.symbol] = series_of((*self.prices, f"{leg.base}-{self.quote}"), paid, self.span)
        return out

    def holdings(self, history: Mapping[str, Series]) -> dict[str, Held]:
        """Positions in whole lots."""
        out, rules = {}, rules_of(self.venue)
        for leg in self.legs:
            price, lot = history[leg.symbol].open[0], rules.contracts[leg.symbol].lot
            size = (Decimal(leg.times) * self.cash / price / lot).to_integral_value() * lot
            leverage = Decimal(leg.leverage) if leg.leverage else None
            out[leg.symbol] = Held(quantity=size, entry=price * Decimal(leg.bought), leverage=leverage)
        return out

    def story(self, history: Mapping[str, Series]) -> Story:
        """What became of it, by the slow reckoning."""
        account = SlowAccount(rules=rules_of(self.venue), wallet=Decimal(self.cash), held=self.holdings(history))
        return live(account, history, adverse=self.adverse)


def _both(btc: str, eth: str, suffix: str = "USDT", bought: str = "1") -> tuple[Leg, Leg]:
    return (
        Leg(symbol=f"BTC{suffix}", base="BTC", times=btc, bought=bought),
        Leg(symbol=f"ETH{suffix}", base="ETH", times=eth),
    )


def _with_litecoin(btc: str, eth: str, litecoin: str) -> tuple[Leg, ...]:
    return (*_both(btc, eth), Leg(symbol="LTCUSDT", base="LTC", times=litecoin))


LONG_AGO = Span(first="2020-01-01", end="2021-07-01")
MARCH = Span(first="2020-02-10", end="2020-04-10")
MAY = Span(first="2021-04-20", end="2021-06-20")
MARCH_4H = Span(first="2020-03-02", end="2020-03-25", bar_ms=4 * HOUR_MS)

BINANCE = (
    Case(name="a year and a half", venue="binance", legs=_both("0.5", "-0.1"), span=LONG_AGO),
    Case(name="march 2020, once over", venue="binance", legs=_both("0.6", "0.3"), span=MARCH),
    Case(name="march 2020, long", venue="binance", legs=_both("1.5", "1.0"), span=MARCH, dies=("2020-03-12",)),
    Case(name="march 2020, short", venue="binance", legs=_both("-1.5", "-1.0"), span=MARCH),
    Case(
        name="march 2020, hedged, at the worst of both", venue="binance", legs=_both("2.0", "-2.0", bought="0.9"),
        span=MARCH, dies=("2020-03-13",),
    ),
    Case(
        name="march 2020, hedged, at closes", venue="binance", legs=_both("2.0", "-2.0", bought="0.9"),
        span=MARCH, adverse=False,
    ),
    Case(
        name="march 2020, with litecoin", venue="binance", legs=_with_litecoin("0.8", "-0.5", "1.8"), span=MARCH_4H,
        prices=(BINANCE_4H, "binance"), dies=("2020-03-12",),
    ),
    Case(
        name="march 2020, with little litecoin", venue="binance", legs=_with_litecoin("0.3", "-0.5", "0.4"), span=MARCH_4H,
        prices=(BINANCE_4H, "binance"),
    ),
    Case(name="may 2021, once over", venue="binance", legs=_both("0.5", "0.3"), span=MAY),
    Case(name="may 2021, long", venue="binance", legs=_both("2.0", "1.0"), span=MAY, dies=("2021-05-19",)),
    Case(name="may 2021, short ether", venue="binance", legs=_both("1.0", "-1.5"), span=MAY, dies=("2021-05-08",)),
    Case(
        name="may 2021, a hundred million", venue="binance", legs=_both("1.6", "0.6"), span=MAY, cash=100_000_000,
        dies=("2021-05-19",),
    ),
)  # fmt: skip
"""Cross accounts in dollars, through March 2020 and May 2021."""

EARLY = Span(first="2023-05-12", end="2023-07-31")
OWN = Span(first="2025-01-15", end="2025-04-30")


def _hyperliquid(
    name: str, legs: tuple[Leg, ...], span: Span = EARLY, dies: tuple[str, ...] = (), cash: int = 100_000
) -> Case:
    """Its own funding, on its own prices where it has them and on Binance's before."""
    own = span is OWN
    return Case(
        name=name, venue="hyperliquid", legs=legs, span=span, cash=cash, dies=dies,
        prices=(HYPERLIQUID_1H, "hyperliquid") if own else (BINANCE_1H, "binance"), quote="USDC" if own else "USDT",
        funding="hyperliquid", funding_quote="USDC",
    )  # fmt: skip


HYPERLIQUID = (
    _hyperliquid("summer 2023, carry", _both("-0.8", "0.8", "")),
    _hyperliquid("summer 2023, a small long", _both("9", "4", ""), dies=("2023-06-14",), cash=5_000),
    _hyperliquid("summer 2023, a large long", _both("9", "4", ""), dies=("2023-06-14",)),
    _hyperliquid("spring 2025, long", _both("2", "1.5", ""), OWN, dies=("2025-02-28", "2025-03-09", "2025-03-10")),
    _hyperliquid(
        "spring 2025, litecoin",
        (Leg(symbol="LTC", base="LTC", times="-1"), Leg(symbol="BTC", base="BTC", times="1")),
        OWN,
    ),
)
"""Through the change from funding every eight hours to every hour, and on its own prices."""

SLICED = _hyperliquid(
    "summer 2023, a large short", _both("-6", "-6", ""), dies=("2023-05-28", "2023-06-21"), cash=1_000_000
)
"""A fifth of it does not restore its margin."""

FIVE = HOUR_MS // 12
BYBIT = tuple(
    Case(
        name=name, venue="bybit", legs=(Leg(symbol="BTCUSDT", base="BTC", times=times, leverage=10),), span=span,
        prices=(BYBIT_5M, "bybit"), funding="bybit", dies=dies,
    )
    for name, times, span, dies in (
        ("bybit, long", "5", Span(first="2025-02-01", end="2025-03-15", bar_ms=FIVE), ("2025-02-26",)),
        ("bybit, short", "-5", Span(first="2025-02-01", end="2025-03-15", bar_ms=FIVE), ()),
        ("bybit, made into hours", "4.8", Span(first="2025-01-02", end="2025-06-01"), ("2025-04-07",)),
    )
)  # fmt: skip

LUNA, JUNE = Span(first="2022-05-02", end="2022-05-20", bar_ms=FIVE), Span(first="2022-06-01", end="2022-07-01")
OKX = tuple(
    Case(
        name=name, venue="okx", legs=_both(*sizes, "-USDT-SWAP"), span=span, prices=(OKX_5M, "okx"), funding=None,
        cash=20_000, dies=dies,
    )
    for name, sizes, span, dies in (
        ("okx, luna", ("2", "2"), LUNA, ("2022-05-11",)),
        ("okx, luna, hedged", ("2", "-2"), LUNA, ()),
        ("okx, luna, hedged and lopsided", ("12", "-9"), LUNA, ("2022-05-10",)),
        ("okx, june 2022 in hours", ("1.5", "1"), JUNE, ("2022-06-15",)),
    )
)  # fmt: skip
"""Its funding of those days is not recorded: taken as none."""

CASES = (*BINANCE, *HYPERLIQUID, *BYBIT, *OKX)
