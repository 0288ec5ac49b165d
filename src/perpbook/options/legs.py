"""Options that somebody wants to hold: by name, or by strike over spot and days, which become an option when they are bought."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.errors import InputError
from perpbook.model.contract import ContractKind
from perpbook.model.option import OptionContract
from perpbook.model.units import DAY_NS, to_iso
from perpbook.options.names import Named

LEAST_LOT = 1e-9
"""Coins: legs are held as they are written, in no lots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLeg:
    """`coins` > 0 bought, < 0 sold. The strike is `strike` dollars or, where that is None, `strike_over_spot` times the spot at
    the purchase; the end is `expiry_ns` or, where that is None, `days` after it."""

    base: str
    is_call: bool
    coins: float
    kind: ContractKind = ContractKind.INVERSE
    name: str | None = None
    strike: float | None = None
    strike_over_spot: float = 1.0
    expiry_ns: int | None = None
    days: float = 30.0

    def bought(self, spot: float, now_ns: int, venue: str) -> OptionContract:
        """The option that this is when it is bought at a spot, dollars, at a moment.

        Raises
        ------
        InputError : it has ended by then.
        """
        strike = self.strike if self.strike is not None else self.strike_over_spot * spot
        expiry_ns = self.expiry_ns if self.expiry_ns is not None else now_ns + round(self.days * DAY_NS)
        if expiry_ns <= now_ns:
            raise InputError(
                f"{self.name} ends on {to_iso(expiry_ns)[:16]}, before the run begins ({to_iso(now_ns)[:16]}): name an option of "
                "that time, or give strike_over_spot and days"
            )
        told = f"{self.base} {to_iso(expiry_ns)[:10]} {strike:,.6g} {'call' if self.is_call else 'put'}"
        return OptionContract(
            venue=venue,
            name=self.name or told,
            base=self.base,
            quote="USD" if self.kind is ContractKind.INVERSE else "USDC",
            kind=self.kind,
            strike=strike,
            expiry_ns=expiry_ns,
            is_call=self.is_call,
            lot_size=LEAST_LOT,
        )

    def rolled(self, option: OptionContract, spot: float, bought_ns: int) -> OptionLeg:
        """The leg that asks for the same strike over spot and time to its end again. spot, bought_ns : of the purchase."""
        return OptionLeg(
            base=self.base,
            is_call=self.is_call,
            coins=self.coins,
            kind=self.kind,
            strike_over_spot=option.strike / spot,
            days=(option.expiry_ns - bought_ns) / DAY_NS,
        )


def leg_of(named: Named, name: str, coins: float) -> OptionLeg:
    """The leg of an option by its name."""
    return OptionLeg(
        base=named.base,
        is_call=named.is_call,
        coins=coins,
        kind=named.kind,
        name=name,
        strike=named.strike,
        expiry_ns=named.expiry_ns,
    )
