"""The playbook as the trader writes it, version 1: one model per section, strict.

Fractions are fractions (0.15 is 15 %), leverage is a multiple. Everything is optional but `schema_version`: what is
left out is no limit.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, field_validator, model_validator

from perpbook.playbook.alerts_section import Alerts
from perpbook.playbook.automation_section import Automation
from perpbook.playbook.exit_section import Exit
from perpbook.playbook.section import Cadence, Length, Move, Name, Positive, Section, Share, Zone

RESERVE = "reserve"
"""The sleeve that idle money belongs to, when the playbook names one so."""

FEWEST_FOR_TAIL = 800
"""Futures: the worst 2.5 % of fewer are under twenty, of which no mean is told."""


class Data(Section):
    """How old figures may be before they warn or refuse."""

    prices_max_age_minutes: Positive | None = Field(None, description="Refuse to judge prices older than this.")
    terms_max_age_days: Positive = Field(365.0, description="Warn when a venue's terms are older than this.")


class Sleeve(Section):
    """A named part of capital, and the positions that belong to it: those that match every filter given."""

    name: Name = Field(description='Its name; "reserve" also takes idle money.')
    target: Share | None = Field(None, description="Share of book equity it should hold.")
    min: Share | None = Field(None, description="Least share of book equity.")
    max: Share | None = Field(None, description="Most share of book equity.")
    venues: tuple[Name, ...] = Field((), description="Venues whose positions belong here.")
    symbols: tuple[Name, ...] = Field((), description='Symbols, "*" and "?" allowed.')
    tags: tuple[Name, ...] = Field((), description="Tags, any one of which suffices.")

    @model_validator(mode="after")
    def _in_order(self) -> Sleeve:
        low, aim, high = self.min or 0.0, self.target, 1.0 if self.max is None else self.max
        if low > high:
            raise ValueError(f"min {low:g} is above max {high:g}")
        if aim is not None and not low <= aim <= high:
            raise ValueError(f"target {aim:g} is outside {low:g} to {high:g}")
        return self


class Capital(Section):
    """How capital is divided."""

    sleeves: tuple[Sleeve, ...] = Field(description="In order: a position belongs to the first that matches.")

    @field_validator("sleeves")
    @classmethod
    def _distinct(cls, sleeves: tuple[Sleeve, ...]) -> tuple[Sleeve, ...]:
        names = [sleeve.name for sleeve in sleeves]
        if len(set(names)) < len(names):
            raise ValueError("two sleeves have one name")
        if sum(sleeve.target or 0.0 for sleeve in sleeves) > 1 + 1e-9:
            raise ValueError("the targets add up to more than 1")
        return sleeves


class Rebalance(Section):
    """When positions are brought back to what the strategy wants."""

    cadence: Cadence = Field(
        "weekly", description='"daily", "weekly" (Monday 00:00), "monthly", or a cron line of five fields.'
    )
    timezone: Zone = Field("UTC", description="The zone the cadence is read in, by its IANA name.")
    drift: Share = Field(0.05, description="Share of book equity by which a position may stray from its target.")
    minimum_trade: Positive | None = Field(None, description="Dollars; smaller trades are left out.")
    cost_aware: bool = Field(True, description="Widen the drift with the cube root of what trading costs.")


class LeverageCaps(Section):
    """Caps on three leverages, each a multiple of equity."""

    gross: Positive | None = Field(None, description="Sum of notionals over equity.")
    net: Positive | None = Field(None, description="Size of beta-weighted net exposure over equity.")
    effective: Positive | None = Field(None, description="Leverage of the single position that dies at the same move.")


class Leverage(Section):
    """Caps by asset (its notional over book equity; `default` for the rest), by account, for the book."""

    asset: dict[Name, Positive] | None = Field(None, description="Notional over book equity; `default` for the rest.")
    account: LeverageCaps | None = Field(None, description="Caps that hold for every account.")
    book: LeverageCaps | None = Field(None, description="Caps on the book as a whole.")


class Survival(Section):
    """Moves every account must live through, both ways."""

    moves: tuple[Move, ...] = Field((0.05, 0.10, 0.15), min_length=1, description="Sizes of the moves.")
    kinds: tuple[Literal["joint", "asset", "beta", "broken"], ...] = Field(
        ("joint", "asset"),
        min_length=1,
        description="joint: all together. asset: one at a time. beta: by beta. broken: hedges fail, against the book.",
    )
    correlation_stress: Share = Field(0.5, description="How far `broken` pulls from beta to the worst case.")
    buffer: Annotated[FiniteFloat, Field(ge=0)] = Field(
        0.0, description="Margin that must be left over, as a share of the maintenance margin."
    )
    funding_flip: bool | None = Field(
        None,
        description="Whether funding of every position, turned against it and paid for `horizon`, must be survived too.",
    )
    horizon: Length = Field("24h", description="How long funding that turned is paid before the move: 8h, 24h, 7d.")
    depth_loss: Annotated[FiniteFloat, Field(ge=0, lt=1)] | None = Field(
        None,
        description="Share of the resting depth that is gone when every account must still be able to close whole.",
    )


class ProfitStep(Section):
    """At this gain, close this share."""

    gain: Positive = Field(description="Unrealised gain, as a share of what the position cost.")
    close: Share = Field(description="Share of the position to close.")


class Guardrails(Section):
    """Losses that end a position or a day."""

    position_loss: Share | None = Field(None, description="Most a position may have lost, as a share of book equity.")
    daily_drawdown: Share | None = Field(
        None, description="Most the book may lose in a UTC day, as a share of its start."
    )
    weekly_drawdown: Share | None = Field(None, description="Most it may lose in a week that begins on Monday, UTC.")
    drawdown_action: Literal["flatten", "halt"] = Field(
        "flatten", description="flatten: close everything and halt. halt: only refuse new risk."
    )
    rearm: Literal["next", "manual"] = Field(
        "next", description="next: with the next day or week. manual: never by itself."
    )
    take_profit: tuple[ProfitStep, ...] = Field((), description="Gains at which a share must be closed.")
    slack: Annotated[FiniteFloat, Field(ge=0, lt=1)] = Field(
        0.05, description="By how much further than needed a cut goes, so that the next tick does not ask again."
    )
    cooldown_minutes: Annotated[FiniteFloat, Field(ge=0)] = Field(
        60.0, description="How long rules under survival leave a position alone after cutting it."
    )

    @field_validator("take_profit")
    @classmethod
    def _rising(cls, steps: tuple[ProfitStep, ...]) -> tuple[ProfitStep, ...]:
        gains = [step.gain for step in steps]
        if any(high <= low for low, high in pairwise(gains)):
            raise ValueError("the gains must rise from step to step")
        return steps


class Funding(Section):
    """What funding may cost."""

    daily_cap: Share | None = Field(
        None, description="Most funding the book may pay in a UTC day, as a share of equity."
    )
    daily_cap_asset: dict[Name, Share] | None = Field(None, description="The same by asset; `default` for the rest.")
    daily_cap_venue: dict[Name, Share] | None = Field(None, description="The same by venue; `default` for the rest.")
    projected_cap: Share | None = Field(
        None, description="The same for the book, with what the rates in force still cost until midnight UTC."
    )
    flip_after: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Most settlements in a row that a position may pay once it has received."
    )
    expected_max: Positive | None = Field(
        None, description="Most that a position may be expected to pay a year, as a share of its notional."
    )
    response: Literal["close", "rotate", "move"] = Field(
        "close",
        description="What those two do. close: close it. rotate: and open it in another contract of the book's that is cheaper. "
        "move: the same, and nothing where none is.",
    )
    payback_days: Positive = Field(14.0, description="Days within which rotating or moving must pay for its trades.")
    skew_alert: Positive | None = Field(
        None,
        description="A rate a year, either way, past which a contract that is held is reported. It asks for no trade.",
    )


class Margin(Section):
    """Which sleeves must be isolated, which cross."""

    isolated: tuple[Name, ...] = Field((), description="Sleeves whose positions must be isolated.")
    cross: tuple[Name, ...] = Field((), description="Sleeves whose positions must be cross.")
    top_up: Literal["never", "propose", "auto"] | None = Field(
        None, description="Money that accounts lack. never: not asked for. propose: with its way. auto: refused so far."
    )

    @model_validator(mode="after")
    def _apart(self) -> Margin:
        both = sorted(set(self.isolated) & set(self.cross))
        if both:
            raise ValueError(f'"{both[0]}" is in both lists')
        return self


class Shares(Section):
    """Most that may stand in one place, as a share of book equity."""

    max_share: Share | None = Field(None, description="For every one not named.")
    shares: dict[Name, Share] | None = Field(None, description="By name.")
    survive_loss_of_any: bool | None = Field(
        None, description="Whether enough must be left once any one is lost and the worst survival move has come."
    )
    left_after_loss: Annotated[FiniteFloat, Field(gt=0, le=1)] = Field(
        0.5, description="How much: the least share of book equity that must then be left."
    )


class Venues(Shares):
    """Shares by venue, and what the loss of any must leave."""


class Layers(Shares):
    """Shares by layer, what the loss of any must leave, what must stand ready on each, bridges and stablecoins."""

    bridge_max_share: Share | None = Field(
        None, description="Most of book equity that may be under way over one family of bridges."
    )
    stablecoin_max_share: Share | None = Field(
        None, description="Most of book equity that may stand in one stablecoin, wherever it is."
    )
    reserves: dict[Name, Positive] | None = Field(
        None, description="Dollars of stablecoins that must be free on a layer, outside accounts, by layer."
    )
    gas: dict[Name, Positive] | None = Field(
        None, description="Coins that must stand on a layer for its fees, by layer, in the coin they are paid in."
    )
    gas_coins: dict[Name, Name] | None = Field(
        None, description="That coin by layer, where it is not known or another is meant."
    )


class Drills(Section):
    """How often the book is put through storms, which, and what they may do to it."""

    cadence: Cadence = Field(
        "weekly", description='"daily", "weekly" (Monday 00:00), "monthly", or a cron line of five fields.'
    )
    timezone: Zone = Field("UTC", description="The zone the cadence is read in, by its IANA name.")
    storms: tuple[Name, ...] = Field(
        (),
        description='Storms, each an expression such as "flash-crash + orders-dark"; none: every crash and synthetic one.',
    )
    paths: Annotated[int, Field(ge=100, le=1_000_000)] = Field(10_000, description="How many futures are drawn.")
    horizon: Length = Field("7d", description="How far the futures go: 24h, 7d, 30d.")
    kind: Literal["bootstrap", "filtered", "copula", "student", "normal"] = Field(
        "bootstrap", description="Where the futures come from; see `perpbook drill run --kind`."
    )
    judged: Literal["playbook", "alone"] = Field(
        "playbook", description="Whose results the limits are for: the book under this playbook's rules, or left alone."
    )
    max_chance: Share | None = Field(None, description="Largest chance of losing an account within the horizon.")
    max_shortfall: Share | None = Field(
        None, description="Largest mean loss of the worst 2.5 % of futures, as a share of book equity."
    )
    max_storms: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Most storms that may liquidate an account."
    )

    @model_validator(mode="after")
    def _tail_can_be_told(self) -> Drills:
        if self.max_shortfall is not None and self.paths < FEWEST_FOR_TAIL:
            raise ValueError(f"max_shortfall needs paths = {FEWEST_FOR_TAIL} or more: of fewer no tail is told")
        return self


class Hedge(Section):
    """How exposure is hedged."""

    delta_band: Positive | None = Field(
        None, description="Most that an asset's net exposure may be, either way, as a share of book equity."
    )
    assets: tuple[Name, ...] = Field((), description="Assets that have this band; none: every asset.")
    beta: Literal["ols", "ewma", "robust", "tail", "none"] | None = Field(
        None,
        description="How betas are estimated that weigh one asset in another; none: no asset stands for another. "
        "See `perpbook hedge plan --beta`.",
    )
    tail_budget: Share | None = Field(
        None,
        description="Most that the worst 2.5 % of moves may cost on average, after hedging, as a share of book equity.",
    )
    options: bool | None = Field(
        None, description="true: hedge plans may lay options over the book. false: none may be laid."
    )


class Liquidity(Section):
    """How much of the book a position may be."""

    max_depth_share: Positive | None = Field(None, description="Notional over what rests on the exit side.")
    max_exit_minutes: Positive | None = Field(
        None, description="Longest that `perpbook exit plan` may take to close everything."
    )
    spread_alert: Share | None = Field(
        None,
        description="A spread, as a share of the mid price, past which a contract held is reported. It asks for no trade.",
    )


class Playbook(Section):
    """The trader's rules."""

    schema_version: Literal[1] = Field(description="Always 1.")
    name: Name = Field("playbook", description="Shown on reports.")
    near: Annotated[FiniteFloat, Field(gt=0, lt=1)] = Field(
        0.8, description="How much of a limit may be used before it counts as near."
    )
    data: Data = Field(default_factory=Data)
    capital: Capital | None = None
    rebalance: Rebalance | None = None
    leverage: Leverage | None = None
    survival: Survival | None = None
    guardrails: Guardrails | None = None
    funding: Funding | None = None
    margin: Margin | None = None
    venues: Venues | None = None
    layers: Layers | None = None
    drill: Drills | None = None
    hedge: Hedge | None = None
    liquidity: Liquidity | None = None
    exit: Exit | None = None
    automation: Automation | None = None
    alerts: Alerts | None = None

    @field_validator("schema_version", mode="before")
    @classmethod
    def _whole(cls, version: Any) -> Any:
        """True and 1.0 equal 1, and are not it."""
        if not isinstance(version, int) or isinstance(version, bool):
            raise ValueError("should be the whole number 1")
        return version
