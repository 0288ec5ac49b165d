"""A drill's options by name, read into what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perpbook.runs.asked import mapped
from perpbook.runs.drill import DrillAsked, History
from perpbook.runs.moments import length_ns, moment_ns, width_ns
from perpbook.runs.own_storms import USUAL_HORIZON_NS, USUAL_STEP_NS, names_worst, span_of_storm
from perpbook.runs.places import lake_folder, playbook_beside, terms_folders

PLAIN: Mapping[str, Any] = {
    "playbook": None, "no_playbook": False, "storm": None, "kind": None, "paths": 1, "horizon": None, "step": None, "seed": 1,
    "nu": None, "filtering": None, "trees": 2, "jumps": None, "block": None, "shock": 1.0, "blend": 0.0, "arrives": None,
    "lake": None, "start": None, "end": None, "proxies": None, "funding": None, "made_up": False,
}  # fmt: skip
"""What a command that does not offer an option takes for it."""


def drill_from(given: Mapping[str, Any]) -> DrillAsked:
    """The drill that a command's options ask for.

    Raises
    ------
    InputError : an option's value is not what it takes.
    """
    given = {**PLAIN, **given}
    storm, horizon, step = given["storm"], given["horizon"], given["step"]
    book = Path(given["book"])
    rules = playbook_beside(book) if given["playbook"] is None else Path(given["playbook"])
    rules = None if given["no_playbook"] else rules
    horizon_ns, step_ns = USUAL_HORIZON_NS, USUAL_STEP_NS
    if storm and (horizon is None or step is None):
        horizon_ns, step_ns = span_of_storm(storm, book, rules, terms_folders())
    alone = "replay" if names_worst(storm) else "still"
    return DrillAsked(
        book=book,
        playbook=rules,
        history=History(
            lake=Path(given["lake"]) if given["lake"] else lake_folder(),
            start_ns=moment_ns(given["start"], "--from"),
            end_ns=moment_ns(given["end"], "--to"),
            proxies=mapped(given["proxies"], "--proxy"),
            funding=mapped(given["funding"], "--funding"),
            made_up=given["made_up"],
        ),
        storm=storm,
        kind=given["kind"] or (alone if storm else "bootstrap"),
        paths=given["paths"],
        horizon_ns=horizon_ns if horizon is None else length_ns(horizon),
        step_ns=step_ns if step is None else width_ns(step),
        seed=given["seed"],
        nu=given["nu"],
        block=given["block"],
        shock=given["shock"],
        blend=given["blend"],
        filter=given["filtering"],
        trees=given["trees"],
        jumps=given["jumps"],
        arrives_ns={name: length_ns(length) for name, length in mapped(given["arrives"], "--arrives").items()},
        terms_folders=terms_folders(),
    )
