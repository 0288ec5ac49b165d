"""[alerts] of a playbook: who is told what, where, and what happens when nobody answers. It holds names of environment variables,
never secrets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from perpbook.playbook.section import Cadence, Hours, Name, Positive, Section, Share, Zone

SEVERITIES = ("page", "warn", "info")
CONSOLE = "console"
PLACE = re.compile(r"(webhook|apprise|telegram):([A-Z][A-Z0-9_]*)")
KEY = re.compile(r"(?P<kind>[a-z0-9_.*?\-]+?)(?::(?P<severity>page|warn|info))?")
"""What a rule is for: a severity, a kind (`*` and `?` allowed), or both as kind:severity."""


def _place(text: str) -> str:
    if text != CONSOLE and not PLACE.fullmatch(text):
        raise PydanticCustomError(
            "channel", "should be console, or webhook:, apprise: or telegram: and the NAME of an environment variable"
        )
    return text


Place = Annotated[str, Field(min_length=1), AfterValidator(_place)]
Mode = Literal["on", "silent", "digest", "off"]


def names_in(step: str) -> tuple[str, ...]:
    """The channels of one step, which are told together: "phone + desk"."""
    return tuple(name.strip() for name in step.split("+"))


class Alerts(Section):
    """Who is told what, where, and what happens when nobody answers."""

    channels: dict[Name, Place] = Field(
        default_factory=lambda: {CONSOLE: CONSOLE},
        min_length=1,
        description='By name: "console", or "webhook:", "telegram:" or "apprise:" and the name of an environment variable.',
    )
    routes: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="Channels by severity, kind, or kind:severity; the next in the list is told when nobody acknowledges a page, "
        'or when the one before failed. "a + b" is told together. Left out: all together.',
    )
    modes: dict[Name, Mode] = Field(
        default_factory=dict,
        description="on, silent, digest or off, by severity, kind, or kind:severity. A kind alone never quiets a page.",
    )
    digest: Cadence = Field("daily", description="When digests go out: a cadence as in [rebalance].")
    timezone: Zone = Field("UTC", description="The zone that the digest and quiet hours are read in.")
    quiet_hours: Hours | None = Field(None, description="Times of day in which only pages go out: 22:00-07:00.")
    escalate_after_minutes: Positive = Field(
        10.0, description="Until the next channels are told of a page that nobody acknowledged."
    )
    repeat_minutes: Positive = Field(30.0, description="Until a page that nobody acknowledged is told again.")
    resolve_after_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        5.0, description="How long something must be over, or less bad, before that is told."
    )
    max_per_hour: Annotated[int, Field(ge=1, le=1000)] = Field(
        30, description="Messages an hour on one channel; what is more becomes one summary."
    )
    telegram_users: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        (), description="Numbers of the Telegram users who are told, and who may approve."
    )
    margin_ratio: Share | None = Field(
        None, description="Page when an account's maintenance margin over its equity is above this; liquidation at 1."
    )
    liquidation_move: Share | None = Field(
        None, description="Page when a joint move of prices smaller than this kills an account."
    )
    unusual: Positive | None = Field(
        None,
        description="Warn when a spread, a basis or a depth is more than so many usual deviations away from its own median.",
    )

    @field_validator("routes", "modes")
    @classmethod
    def _named(cls, rules: dict[str, object]) -> dict[str, object]:
        for key in rules:
            found = KEY.fullmatch(key)
            if found is None:
                raise ValueError(f'"{key}" is no severity, kind or kind:severity')
            if rules[key] in ("off", "digest") and key == "page":
                raise ValueError(f'"page" may not be {rules[key]}: write the kind, as in "drill.*:page"')
        return rules

    @model_validator(mode="after")
    def _known(self) -> Alerts:
        for key, steps in self.routes.items():
            named = [name for step in steps for name in names_in(step)]
            unknown = [name for name in named if name not in self.channels]
            if unknown:
                raise ValueError(f'routes of "{key}" name "{unknown[0]}", which is no channel')
            if not named or len(set(named)) < len(named):
                raise ValueError(f'routes of "{key}" should name channels, each once')
        if any("+" in name or name != name.strip() for name in self.channels):
            raise ValueError("a channel's name may not hold + or begin or end with a space")
        if any(place.startswith("telegram:") for place in self.channels.values()) and not self.telegram_users:
            raise ValueError("a telegram channel needs telegram_users: nobody else is told, or heard")
        return self
