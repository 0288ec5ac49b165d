"""A drill's options by name, read into what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perpbook.errors import InputError
from perpbook.runs.asked import mapped
from perpbook.runs.drill import DrillAsked, History
from perpbook.runs.drill_memory import bytes_of
from perpbook.runs.drill_parts import Keeping, Manner
from perpbook.runs.drill_schedule import Scheduled, playbook_of
from perpbook.runs.drill_treasury import USUALLY, WITH_TREASURER, treasury_asked
from perpbook.runs.moments import length_ns, moment_ns, width_ns
from perpbook.runs.own_storms import USUAL_HORIZON_NS, USUAL_STEP_NS, names_worst, span_of_storm
from perpbook.runs.places import drills_folder, lake_folder, playbook_beside, terms_folders

PLAIN: Mapping[str, Any] = {
    "playbook": None, "no_playbook": False, "storm": None, "kind": None, "paths": 1, "horizon": None, "step": None, "seed": 1,
    "nu": None, "filtering": None, "trees": 2, "jumps": None, "block": None, "shock": 1.0, "blend": 0.0, "arrives": None,
    "lake": None, "start": None, "end": None, "proxies": None, "funding": None, "made_up": False, "treasury": False,
    "alarm": None, "calm": None, "reserves": None, "facts": None, "save": None, "resume": False,
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
    treasury = treasury_asked(given)
    paths = given["paths"] or (WITH_TREASURER if treasury else USUALLY)
    alone = "replay" if names_worst(storm) else "still"
    return DrillAsked(
        book=book,
        playbook=rules,
        history=history_from(given),
        storm=storm,
        kind=given["kind"] or (alone if storm else "bootstrap"),
        paths=paths,
        horizon_ns=horizon_ns if horizon is None else length_ns(horizon),
        step_ns=step_ns if step is None else width_ns(step),
        seed=given["seed"],
        nu=given["nu"],
        block=given["block"],
        shock=given["shock"],
        blend=given["blend"],
        scale=given.get("scale", 1.0),
        filter=given["filtering"],
        trees=given["trees"],
        jumps=given["jumps"],
        arrives_ns={name: length_ns(length) for name, length in mapped(given["arrives"], "--arrives").items()},
        terms_folders=terms_folders(),
        treasury=treasury,
    )


def history_from(given: Mapping[str, Any]) -> History:
    """What paths are drawn from, by a command's options."""
    return History(
        lake=Path(given["lake"]) if given["lake"] else lake_folder(),
        start_ns=moment_ns(given["start"], "--from"),
        end_ns=moment_ns(given["end"], "--to"),
        proxies=mapped(given["proxies"], "--proxy"),
        funding=mapped(given["funding"], "--funding"),
        made_up=given["made_up"],
    )


def scheduled_from(given: Mapping[str, Any]) -> Scheduled:
    """The drills on schedule that a command's options ask for."""
    book = Path(given["book"])
    return Scheduled(
        book=book,
        playbook=playbook_of(book, given["playbook"]),
        history=history_from(given),
        shelf=drills_folder(),
        seed=given["seed"],
        threads=given["threads"],
        always=given["now"],
    )


def manner_from(given: Mapping[str, Any], say: Callable[[str], object]) -> Manner:
    """Where a drill is kept and how much memory it may take, by the command's options; `say` hears the estimate."""
    if given["resume"] and given["save"] is None:
        raise InputError("--resume goes on with a drill that is kept: name its folder with --save")
    return Manner(
        keeping=Keeping(folder=Path(given["save"]), resume=given["resume"]) if given["save"] else None,
        most_bytes=bytes_of(given["max_mem"]) if given["max_mem"] else None,
        say=say,
    )


def two_sides(first: Path, second: Path | None, scales: Sequence[float]) -> tuple[tuple[str, Path, float], ...]:
    """(name, playbook, scale) of the two sides of a comparison.

    Raises
    ------
    InputError : the two are the same, or more than two sizes are given.
    """
    if len(scales) > 2:
        raise InputError(f"{len(scales)} sizes are given: two sides can be compared, so give --scale once or twice")
    sizes = (scales[0], scales[-1]) if scales else (1.0, 1.0)
    if second is None and sizes[0] == sizes[1]:
        raise InputError(
            "there is nothing to compare: name a second playbook, or give two sizes like --scale 1 --scale 0.6"
        )
    playbooks = (first, second or first)
    told = [f" x {size:g}" if sizes[0] != sizes[1] else "" for size in sizes]
    one, other = (
        (f"{playbook.stem}{size}", playbook, scale)
        for playbook, size, scale in zip(playbooks, told, sizes, strict=True)
    )
    return one, other
