"""What every section of a playbook is made of: a strict table, and the kinds of values in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat
from pydantic_core import PydanticCustomError


def _comes_round(cadence: str) -> str:
    from perpbook.playbook.cadence import is_cadence

    if not is_cadence(cadence):
        raise PydanticCustomError("cadence", "should be daily, weekly, monthly or a cron line that comes round")
    return cadence


def _known_zone(timezone: str) -> str:
    from perpbook.playbook.cadence import is_timezone

    if not is_timezone(timezone):
        raise PydanticCustomError("timezone", "is not a known time zone")
    return timezone


def _length(text: str) -> str:
    from perpbook.playbook.cadence import is_length

    if not is_length(text):
        raise PydanticCustomError("length", "should be a length of time from 1h to 90d")
    return text


def _hours(text: str) -> str:
    from perpbook.playbook.hours import is_hours

    if not is_hours(text):
        raise PydanticCustomError("hours", "should be two different times of day, as in 22:00-07:00")
    return text


Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Positive = Annotated[FiniteFloat, Field(gt=0)]
Move = Annotated[FiniteFloat, Field(gt=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]
Cadence = Annotated[str, Field(min_length=1), AfterValidator(_comes_round)]
Zone = Annotated[str, Field(min_length=1), AfterValidator(_known_zone)]
Length = Annotated[str, Field(min_length=1), AfterValidator(_length)]
Hours = Annotated[str, Field(min_length=1), AfterValidator(_hours)]


class Section(BaseModel):
    """A table of the playbook: unknown keys and wrong types are errors. What checks one alone is built when it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
