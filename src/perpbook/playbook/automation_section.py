"""[automation] of a playbook: what may be done without asking, how much of it, and how long a question stands."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, FiniteFloat, model_validator
from pydantic_core import PydanticCustomError

from perpbook.playbook.section import Hours, Move, Name, Positive, Section, Share

TRADED = (
    "funding.daily_cap",
    "funding.daily_cap_asset",
    "funding.daily_cap_venue",
    "funding.projected_cap",
    "funding.flip_after",
    "funding.expected_max",
    "guardrails.daily_drawdown",
    "guardrails.weekly_drawdown",
    "guardrails.position_loss",
    "guardrails.take_profit",
    "leverage.asset",
    "leverage.account",
    "leverage.book",
    "survival",
    "venues.max_share",
    "liquidity.max_depth_share",
    "hedge.delta_band",
    "exit",
)
"""Rules that a trade which makes positions smaller can mend, and so may be allowed to; a key stands for those below it."""


def _rule(text: str) -> str:
    if not any(text == rule or text.startswith(f"{rule}.") for rule in TRADED):
        raise PydanticCustomError(
            "rule", "should be a rule that a trim can mend: {rules}", {"rules": ", ".join(TRADED)}
        )
    return text


Rule = Annotated[Name, AfterValidator(_rule)]


class Automation(Section):
    """What may be done without asking. The guard only ever makes positions smaller by itself, within every cap given here."""

    default: Literal["propose", "auto"] = Field(
        "propose",
        description="propose: a person answers. auto: every rule that a trim can mend acts by itself, within the caps.",
    )
    auto: tuple[Rule, ...] = Field(
        (),
        description="Rules that act by themselves all the same; a key stands for those below it, as leverage.book does.",
    )
    max_per_order: Positive | None = Field(
        None, description="Most that one order may trade, dollars. Left out: an action."
    )
    max_per_action: Positive | None = Field(None, description="Most that one proposal may trade, dollars.")
    max_per_hour: Positive | None = Field(None, description="Most that may be traded in any hour, dollars.")
    max_per_day: Positive | None = Field(None, description="Most that may be traded in any 24 hours, dollars.")
    collar: Move = Field(
        0.005,
        description="How far a limit price may stand from the book's middle, and the middle from where it was proposed.",
    )
    approval_expires_minutes: Positive = Field(15.0, description="How long a proposal waits; no answer is a no.")
    quiet_hours: Hours | None = Field(
        None, description="Times of day, UTC, in which nothing acts by itself: 22:00-07:00."
    )
    volatility: dict[Name, Positive] | None = Field(
        None,
        description="A year's volatility by asset, a fraction, `default` for the rest: what the chance of liquidation is "
        "reckoned from. Given, trims that any leg would serve go to the leg that is best after risk and carry.",
    )
    correlation: Share = Field(0.7, description="Of any two assets, for those chances.")
    liquidation_budget: Share | None = Field(
        None,
        description="How likely an account may be liquidated before a trim of it is done: legs that are larger than their book "
        "go in slices, as slow as that allows.",
    )
    patience_seconds: Positive | None = Field(
        None,
        description="How long an order of a trim rests, post-only, before it crosses, where the liquidation budget allows.",
    )

    dead_man_seconds: Annotated[FiniteFloat, Field(ge=15, le=600)] | None = Field(
        None,
        description="While orders of the guard rest, the venue is to cancel them when it has not heard from it for so long.",
    )

    @model_validator(mode="after")
    def _capped(self) -> Automation:
        caps = {
            "max_per_action": self.max_per_action,
            "max_per_hour": self.max_per_hour,
            "max_per_day": self.max_per_day,
        }
        missing = [name for name, cap in caps.items() if cap is None]
        if self.acts and missing:
            raise ValueError(
                f"what acts by itself needs all of max_per_action, max_per_hour, max_per_day; missing: {', '.join(missing)}"
            )
        if self.volatility is not None and "default" not in self.volatility:
            raise ValueError(
                "volatility needs a default, for assets that it does not name: { BTC = 0.5, default = 1.0 }"
            )
        if self.liquidation_budget is not None and self.volatility is None:
            raise ValueError("liquidation_budget needs volatility: chances are reckoned from it")
        if self.patience_seconds is not None and self.liquidation_budget is None:
            raise ValueError("patience_seconds needs liquidation_budget: it says when there is time to rest")
        known = [(name, cap) for name, cap in caps.items() if cap is not None]
        for (small, less), (large, more) in pairwise(known):
            if less > more:
                raise ValueError(f"{small} may not be more than {large}")
        return self

    @property
    def acts(self) -> bool:
        """Whether anything is done without asking."""
        return self.default == "auto" or bool(self.auto)

    def allows(self, rule: str) -> bool:
        """Whether a rule, by its dotted key, may act by itself."""
        named = TRADED if self.default == "auto" else self.auto
        return any(rule == one or rule.startswith(f"{one}.") for one in named)
