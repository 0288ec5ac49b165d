"""An overlay's options by name, read into what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.errors import InputError
from perpbook.hedging.candidates import Trading
from perpbook.model.units import DAY_NS
from perpbook.options.revalue import VolatilityRule
from perpbook.runs.drill import DrillAsked
from perpbook.runs.drill_asked import drill_from
from perpbook.runs.moments import moment_ns
from perpbook.runs.options import lots_from
from perpbook.runs.overlay import OverlayAsked
from perpbook.runs.overlay_storms import USUAL

ALONG_PATHS: Mapping[str, object] = {
    "futures": "bootstrap", "horizon": None, "step": None, "seed": 1, "lake": None, "made_up": False,
    "with_rules": False,
}  # fmt: skip
"""Options that only a drill's futures have a use for, as they are when not given."""


def overlay_from(given: Mapping[str, Any]) -> OverlayAsked:
    """The overlay that a command's options ask for.

    Raises
    ------
    InputError : an option's value is not what it takes.
    """
    from perpbook.hedging.structures import STRUCTURES
    from perpbook.playbook.load import load_playbook
    from perpbook.runs.hedge_rules import refuse_options

    if not given["chain"]:
        raise InputError(
            "an overlay needs a chain of options: give --chain FILE, a Parquet table or Deribit's answers as JSON"
        )
    if given["storms"] and given["kinds"]:
        raise InputError("--storm names the storms already: leave --kind out")
    drill = drill_from({"book": given["book"], "playbook": given["playbook"], "made_up": False})
    if drill.playbook is not None:
        refuse_options(load_playbook(drill.playbook), allowed=given["allow_options"])
    return OverlayAsked(
        drill=drill,
        chain=tuple(given["chain"]),
        limit=given["max_loss"],
        trading=Trading(
            spread=given["spread"], share=given["depth_share"], min_days=given["min_days"], max_days=given["max_days"]
        ),
        storms=tuple(given["storms"] or ()),
        kinds=tuple(given["kinds"] or USUAL),
        structures=tuple(given["structures"] or STRUCTURES),
        hold_days=given["hold"],
        rule=VolatilityRule(sticky=given["sticky"], with_spot=given["vol_with_spot"]),
        least=given["least"],
        cover=given["cover"],
        at_ns=moment_ns(given["at"], "--at"),
        lots=lots_from(given["lots"]),
        futures=_futures(given),
        ruled=given["with_rules"],
    )


def _futures(given: Mapping[str, Any]) -> DrillAsked | None:
    """The drill that the best overlay is put through; None where no paths are asked for."""
    if not given["paths"]:
        for name, usual in ALONG_PATHS.items():
            if given[name] != usual:
                raise InputError(
                    f"--{name.replace('_', '-')} is of a drill's futures: ask for them with --paths, or leave it out"
                )
        return None
    names = ("book", "playbook", "paths", "horizon", "step", "seed", "lake", "made_up")
    drill = drill_from({**{name: given[name] for name in names}, "kind": given["futures"]})
    if drill.horizon_ns > given["min_days"] * DAY_NS:
        raise InputError(
            f"a drill of {drill.horizon_ns / DAY_NS:g} days outlives options of {given['min_days']:g}: raise --min-days, or "
            "lower --horizon"
        )
    return drill
