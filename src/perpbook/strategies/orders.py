"""What a strategy asks for at one instant; nonsense is refused at once, by name and time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real

from perpbook.errors import StrategyError
from perpbook.model.units import to_iso
from perpbook.strategies.legs import leg_number, nearest
from perpbook.strategies.table import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A market order for the leg numbered `leg`, signed `quantity` base units; a limit order with `limit_price`."""

    leg: int
    quantity: float
    limit_price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`amount` dollars > 0 from one account or layer to another."""

    amount: float
    source: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Collects what a strategy wants. Legs are given as themselves or as `account:symbol`.

    `places` are the accounts (and layers) that money can move between. `targets` is by leg number.
    """

    now_ns: int
    legs: tuple[Leg, ...]
    places: tuple[str, ...]
    targets: dict[int, float] = field(default_factory=dict)
    trades: list[Wanted] = field(default_factory=list)
    limits: list[Wanted] = field(default_factory=list)
    transfers: list[Moved] = field(default_factory=list)

    def target(self, leg: Leg | str, exposure: float) -> None:
        """Bring a leg to a signed share of book equity. Once per leg, and not beside `trade`."""
        number = leg_number(self.legs, leg, self.now_ns)
        if number in self.targets:
            raise self._refused(f"{self.legs[number].name} is given a target twice: give it one")
        self._one_way(number, [trade.leg for trade in self.trades])
        self.targets[number] = self._number("exposure", exposure, self.legs[number].name)

    def trade(self, leg: Leg | str, quantity: float) -> None:
        """Buy (> 0) or sell (< 0) base units at the market; 0 asks for nothing."""
        number = leg_number(self.legs, leg, self.now_ns)
        self._one_way(number, list(self.targets))
        size = self._number("quantity", quantity, self.legs[number].name)
        if size != 0.0:
            self.trades.append(Wanted(leg=number, quantity=size))

    def limit(self, leg: Leg | str, quantity: float, price: float) -> None:
        """Buy (> 0) or sell (< 0) base units at `price` quote per base or better; 0 asks for nothing."""
        number = leg_number(self.legs, leg, self.now_ns)
        size = self._number("quantity", quantity, self.legs[number].name)
        at = self._number("price", price, self.legs[number].name)
        if at <= 0.0:
            raise self._refused(
                f"the price of a limit order for {self.legs[number].name} is {at:g}: it must be above 0"
            )
        if size != 0.0:
            self.limits.append(Wanted(leg=number, quantity=size, limit_price=at))

    def transfer(self, amount: float, source: str, destination: str) -> None:
        """Send dollars from one account or layer to another."""
        for place in (source, destination):
            if place not in self.places:
                raise self._refused(f'there is no account or layer "{place}": {nearest(str(place), self.places)}')
        if source == destination:
            raise self._refused(f'a transfer goes from "{source}" to itself: name another destination')
        dollars = self._number("amount", amount, f"the transfer from {source} to {destination}")
        if dollars <= 0.0:
            raise self._refused(f"the transfer from {source} to {destination} is {dollars:g} dollars: send more than 0")
        self.transfers.append(Moved(amount=dollars, source=source, destination=destination))

    def _one_way(self, number: int, others: list[int]) -> None:
        if number in others:
            raise self._refused(f"{self.legs[number].name} is given a target and a trade: give it one of them")

    def _number(self, what: str, value: float, whose: str) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise self._refused(f"the {what} of {whose} is {value!r}: it must be a number")
        if not math.isfinite(value):
            raise self._refused(
                f"the {what} of {whose} is {float(value)}: check for too short a history or a division by 0 before it"
            )
        return float(value)

    def _refused(self, what: str) -> StrategyError:
        return StrategyError(f"at {to_iso(self.now_ns)} the strategy asks for nonsense: {what}")
