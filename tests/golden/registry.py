"""Adapters: one function per (venue, topic, input shape) that drives the product's own code for a golden case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any

Adapt = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes a case's inputs, returns our values under the names of its `expected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Serves every case of `venue` and `topic` whose inputs hold all `needs`, and whose expected values all `gives`.

    `observes` are expected values handed to the adapter beside the inputs: what a payload shows of the market only
    through its own results (a notional that tells the mark price). They should be few, and given back recomputed.
    """

    venue: str
    topic: str
    needs: frozenset[str]
    gives: frozenset[str]
    adapt: Adapt
    observes: frozenset[str] = frozenset()


ADAPTERS: list[Adapter] = []


def adapter(
    venue: str, topic: str, *, needs: Set[str], gives: Set[str] = frozenset(), observes: Set[str] = frozenset()
) -> Callable[[Adapt], Adapt]:
    """Register the decorated function; the most specific adapter (most `needs` + `gives`) serves a case."""

    def register(adapt: Adapt) -> Adapt:
        ADAPTERS.append(
            Adapter(
                venue=venue,
                topic=topic,
                needs=frozenset(needs),
                gives=frozenset(gives),
                adapt=adapt,
                observes=frozenset(observes),
            )
        )
        return adapt

    return register


def find(venue: str, topic: str, inputs: Mapping[str, Any], expected: Mapping[str, Any]) -> Adapter | None:
    """The most specific adapter that fits, or None."""
    fits = [
        one
        for one in ADAPTERS
        if one.venue == venue and one.topic == topic and one.needs <= inputs.keys() and one.gives <= expected.keys()
    ]
    return max(fits, key=lambda one: len(one.needs) + len(one.gives), default=None)
