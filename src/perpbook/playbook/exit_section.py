"""[exit] of a playbook: what starts it, which positions go first, in how many steps, how dear they may be, where money goes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from perpbook.playbook.section import Move, Name, Section

MOST_STEPS = 50


class Exit(Section):
    """How everything is closed."""

    triggers: tuple[Name, ...] = Field(
        (), description="Rules whose breach starts the exit, by their keys; none: it starts by command only."
    )
    order: tuple[Name, ...] = Field(
        (),
        description="Sleeves, tags, venues or assets in the order they are closed; what none names comes last, the account "
        "nearest to its liquidation first.",
    )
    steps: Annotated[int, Field(gt=0, le=MOST_STEPS)] = Field(4, description="Steps that each of them is closed in.")
    slippage_max: Move = Field(
        0.01, description="How far from the margin price an exit's limit prices may be, as a fraction of it."
    )
    destination: Name | None = Field(None, description="The layer that money goes to once all is closed.")

    @field_validator("triggers", "order")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'"{name}" is named twice')
        return names
