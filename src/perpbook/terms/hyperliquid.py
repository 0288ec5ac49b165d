"""Hyperliquid's rules beside its tiers: funding, fees, what may be withdrawn, and the liquidation price it once showed.

Money is USDC, a premium or rate is a fraction, positive when longs pay. Sources: the venue's documentation (funding,
fees, margining) and recorded payloads of its API, named at each figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from perpbook.errors import TermsError

WITHDRAWAL_FLOOR = 0.1
"""Share of total notional that stays behind, whatever the leverage (payloads of 2026; absent before 2024)."""

MICRO = Decimal("0.000001")


def maintenance_margin_fraction(max_leverage: float) -> float:
    """A tier's maintenance margin: half the initial margin at its largest leverage."""
    return 0.5 / max_leverage


def margin_used(notional: float, leverage: float) -> float:
    """Margin a cross position of an absolute notional ties up at the leverage its holder chose."""
    return notional / leverage


def isolated_margin(raw_usd: float, signed_notional: float) -> float:
    """Equity of an isolated position: its own dollars (negative for a financed long) and its value at mark."""
    return raw_usd + signed_notional


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A resting order that would open: size in coins, limit price, and the leverage chosen."""

    size: float
    limit_price: float
    leverage: float

    @property
    def initial_margin(self) -> float:
        """What the order reserves, dollars."""
        return abs(self.size) * self.limit_price / self.leverage


def withdrawable(
    account_value: float, total_margin_used: float, total_notional: float = 0.0, orders: Iterable[OpenOrder] = ()
) -> float:
    """Dollars that may leave a cross account: above margin used or a tenth of notional, less what orders reserve."""
    kept = max(total_margin_used, WITHDRAWAL_FLOOR * total_notional)
    return max(0.0, account_value - kept - sum(order.initial_margin for order in orders))


def legacy_liquidation_price(mark: float, size: float, account_value: float, maintenance_margin: float) -> float | None:
    """The cross liquidation price as the venue showed it until about April 2023, dollars; None when it is not positive.

    It spreads the surplus at today's requirement over a signed `size`, and so ignores that the requirement itself
    moves with the price.
    """
    price = mark - (account_value - maintenance_margin) / size
    return price if price > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeMarket:
    """What a market does to a fee.

    `deployer_scale` is a builder-deployed (HIP-3) market's own scale, None on the venue's own markets;
    `growth` its growth mode; `aligned_quote` says its quote is an aligned stablecoin.
    """

    deployer_scale: float | None = None
    growth: bool = False
    aligned_quote: bool = False

    def __post_init__(self) -> None:
        if self.deployer_scale is not None and self.deployer_scale < 0:
            raise TermsError(f"a deployer's fee scale is at least 0, not {self.deployer_scale:g}")

    def factor(self, *, referral_discount: Decimal = Decimal(0), rebate: bool = False, maker: bool = False) -> Decimal:
        """What the base rate is multiplied by: fees carry the deployer's part and the discount, rebates do not."""
        growth = Decimal("0.1") if self.growth else Decimal(1)
        share = self._deployer_share
        if rebate:
            return growth * ((1 - share) * Decimal("1.5") + share if self.aligned_quote else 1)
        aligned = (1 - share) * Decimal("0.8") + share if self.aligned_quote and not maker else Decimal(1)
        return growth * self._scale * (1 - referral_discount) * aligned

    @property
    def _scale(self) -> Decimal:
        if self.deployer_scale is None:
            return Decimal(1)
        scale = _exact(self.deployer_scale)
        return scale + 1 if scale < 1 else scale * 2

    @property
    def _deployer_share(self) -> Decimal:
        if self.deployer_scale is None:
            return Decimal(0)
        scale = _exact(self.deployer_scale)
        return scale / (1 + scale) if scale < 1 else Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFee:
    """What one fill costs, dollars: all of it, and the builder's part of it. Negative is a rebate."""

    fee: Decimal
    builder_fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """A trader's own rates as fractions of the fill: the venue's (negative: a rebate), referral discount, builder's."""

    base: float
    referral_discount: float = 0.0
    builder: float = 0.0
    maker: bool = False

    def fill_fee(self, price: float, size: float, market: FeeMarket | None = None) -> FillFee:
        """The fee of a fill; the venue's part and the builder's are each cut to a millionth of a dollar."""
        value, base = _exact(price) * abs(_exact(size)), _exact(self.base)
        factor = (market or FeeMarket()).factor(
            referral_discount=_exact(self.referral_discount), rebate=base < 0, maker=self.maker
        )
        own = (value * base * factor).quantize(MICRO, ROUND_DOWN)
        builder = (value * _exact(self.builder)).quantize(MICRO, ROUND_DOWN)
        return FillFee(fee=own + builder, builder_fee=builder)


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
