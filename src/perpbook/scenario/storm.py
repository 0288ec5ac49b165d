"""A storm: what may happen to prices, funding, order books, collateral, venues, layers and routes, as plain data.

Times are nanoseconds from the storm's beginning. A storm says nothing of a book: drawn onto contracts (`draw`) it becomes
an overlay, and a storm that replays a window of history names the window (`replay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from perpbook.scenario.knots import Knots

KINDS = ("historic", "synthetic", "incident", "grid")
"""historic: a market that was. incident: an outage that was. synthetic: made up. grid: moves a playbook names."""

CONFIDENCE = ("low", "medium", "high")
"""How far the sources carry a storm's figures, worst first."""

DIRECTIONS = ("one", "break", "apart", "dislocated", "given")
"""Directions of a correlation shock: `CorrelationShock`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageKind:
    """One way to be away. `factor` says what its number means ("" for none), `least` and `most` what it may be."""

    meaning: str
    factor: str = ""
    least: float = 0.0
    most: float = float("inf")


OUTAGES: Mapping[str, Mapping[str, OutageKind]] = {
    "layer": {
        "halt": OutageKind(meaning="no blocks: nothing moves in, out or on it"),
        "rpc": OutageKind(meaning="blocks go on and nobody can see or send"),
        "lag": OutageKind(meaning="transactions wait", factor="seconds each waits", least=0.001),
        "gas": OutageKind(meaning="gas costs more", factor="times its usual price", least=1.0),
        "congestion": OutageKind(meaning="everything takes longer", factor="times as long", least=1.0),
        "exits": OutageKind(meaning="the layer lives, its canonical exits stand still"),
        "departures": OutageKind(meaning="money comes in, and none should leave it"),
        "rollback": OutageKind(meaning="its last minutes never happened", factor="minutes erased", least=0.001),
    },
    "route": {
        "closed": OutageKind(meaning="takes nothing; what is in flight is stuck"),
        "delayed": OutageKind(meaning="takes longer", factor="times as long", least=1.0),
    },
    "venue": {
        "api": OutageKind(meaning="no order and no cancel reaches it; its margin goes on"),
        "halt": OutageKind(meaning="nobody trades and its marks stand still"),
        "withdrawals": OutageKind(meaning="pays nothing out"),
        "frozen": OutageKind(meaning="pays nothing out, and may not all come back", factor="share lost", most=1.0),
    },
}
"""What can be away, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which contracts a shock touches: assets `of` (none: every one) without those in `but`, on `venues` (none: all)."""

    of: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()

    def covers(self, venue: str, asset: str) -> bool:
        """True for a contract of that asset on that venue."""
        named = asset in self.of if self.of else asset not in self.but
        return named and (not self.venues or venue in self.venues)

    def meets(self, other: Reach) -> bool:
        """True when some contract may be in both."""
        if self.venues and other.venues and not set(self.venues) & set(other.venues):
            return False
        if self.of and other.of:
            return bool(set(self.of) & set(other.of))
        if self.of or other.of:
            narrow, wide = (self, other) if self.of else (other, self)
            return any(asset not in wide.but for asset in narrow.of)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `at_ns` to `until_ns`, which is after it."""

    at_ns: int
    until_ns: int

    def meets(self, other: Span) -> bool:
        """True when both hold at some moment."""
        return self.at_ns < other.until_ns and other.at_ns < self.until_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceShock:
    """A move of prices. by_beta : times each asset's beta to the market. While it moves, lows reach `wick_down` (a
    fraction) further down and highs `wick_up` further up."""

    reach: Reach
    knots: Knots
    by_beta: bool = False
    wick_down: float = 0.0
    wick_up: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingShock:
    """Funding put in place of what it is (`set`), on top of it (`add`), or turned round (`flip`).

    per_hour : fraction, > 0 longs pay; unused by flip. half_life_ns : after so long half of the shock is left, None for
    no fading; a `set` fades back to funding as it is now.
    """

    reach: Reach
    span: Span
    how: str
    per_hour: float = 0.0
    half_life_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityShock:
    """Spreads so many times as wide, and so much of the order books left (0 < depth <= 1)."""

    reach: Reach
    span: Span
    spread: float = 1.0
    depth: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkShock:
    """Mark and oracle prices away from traded ones by a fraction: margin sees it, trades do not."""

    reach: Reach
    span: Span
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralShock:
    """What a coin that serves as collateral is worth of its peg, as moves from it (-0.12: 88 cents to the dollar)."""

    asset: str
    knots: Knots


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationShock:
    """What becomes of correlation in paths that are drawn from a law.

    how : "one" pulls every pair towards 1; "break" towards the direction in which the book's hedges fail; "apart"
    towards 0; "given" puts `matrix` in for the pairs of `assets`; "dislocated" leaves correlation, and moves every asset
    against the book by `kappa` of its own days' standard deviations.
    blend : share of the way, 0 to 1, for the first three.
    """

    how: str
    blend: float = 1.0
    kappa: float = 0.0
    assets: tuple[str, ...] = ()
    matrix: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Something is away. where : "layer", "route" or "venue"; name : which ("*": every one); kind, factor : `OUTAGES`."""

    where: str
    name: str
    kind: str
    span: Span
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A venue closes a share of every position that is in profit there (auto-deleveraging). venue : "*" for every one."""

    venue: str
    at_ns: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMove:
    """What an asset did in a window, as fractions of its first open: the lowest and highest it reached and where it ended.

    low_ns, high_ns : from the window's beginning to the end of the bars that reached them.
    """

    asset: str
    low: float
    low_ns: int
    high: float
    high_ns: int
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A window of history to go through again, and what is known of it. source : who measured the moves, from what."""

    start_ns: int
    end_ns: int
    source: str
    moves: tuple[KnownMove, ...] = ()

    @property
    def assets(self) -> tuple[str, ...]:
        """Those whose moves are known."""
        return tuple(one.asset for one in self.moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """All of it. horizon_ns : how long it goes on. step_ns : how finely it needs to be looked at.

    began, ended : of an event that was, as its sources have it ("" when they do not). assumed : what no source gives,
    and what stands in for it. insurance_empty : venues whose insurance fund pays nothing.
    """

    name: str
    title: str
    kind: str
    horizon_ns: int
    step_ns: int
    confidence: str = "high"
    sources: tuple[str, ...] = ()
    began: str = ""
    ended: str = ""
    effect: str = ""
    assumed: tuple[str, ...] = ()
    prices: tuple[PriceShock, ...] = ()
    funding: tuple[FundingShock, ...] = ()
    liquidity: tuple[LiquidityShock, ...] = ()
    marks: tuple[MarkShock, ...] = ()
    collateral: tuple[CollateralShock, ...] = ()
    correlation: CorrelationShock | None = None
    outages: tuple[Outage, ...] = ()
    adl: tuple[Taken, ...] = ()
    insurance_empty: tuple[str, ...] = ()
    replay: Replay | None = None

    @property
    def empty(self) -> bool:
        """True when nothing happens in it."""
        return not any(getattr(self, one.name) for one in fields(self) if one.name in SHOCKS)


SHOCKS = (
    "prices", "funding", "liquidity", "marks", "collateral", "correlation", "outages", "adl", "insurance_empty", "replay",
)  # fmt: skip
"""The fields of a storm in which something happens."""

CALM = Storm(name="calm", title="Nothing happens", kind="synthetic", horizon_ns=0, step_ns=0)
"""Adds nothing to any storm."""
