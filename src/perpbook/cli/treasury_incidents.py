"""`perpbook treasury incidents`: outages that were, with a treasurer and without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply
from perpbook.cli.treasury_status import OwnFacts, Rules, Seed

Names = Annotated[
    list[str] | None, typer.Option("--storm", help="Storm to go through; repeat it. Left out: incidents that were.")
]
Prices = Annotated[str, typer.Option("--prices", help='Storm of prices beside each; "": prices stand still.')]
Kept = Annotated[
    list[str] | None, typer.Option("--reserve", help="LAYER=DOLLARS kept while no alarm rings; repeat it.")
]


def incidents(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Rules = None,
    no_playbook: Annotated[bool, typer.Option("--no-playbook", help="No rule acts.")] = False,
    storms: Names = None,
    prices: Prices = "crash-2020-03-12",
    after: Annotated[str, typer.Option("--after", help="How long after the prices' storm each begins.")] = "17h",
    horizon: Annotated[str, typer.Option("--horizon", help="How long each goes on: 12h, 1d, ...")] = "48h",
    step: Annotated[str, typer.Option("--step", help="How finely it is looked at: 1m, 5m, 15m, 1h.")] = "15m",
    reserves: Kept = None,
    alarm: Annotated[
        float | None, typer.Option("--alarm", help="Margin ratio at which an account is topped up; 0.5.")
    ] = None,
    calm: Annotated[float | None, typer.Option("--calm", help="Margin ratio it is brought to; half the alarm.")] = None,
    facts: OwnFacts = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Go through outages that were, as a market moves, with a treasurer who tops up accounts near their limits and without.

    Ways are chosen by what is known then: no outage that has not begun. Exit codes: 0 done, 3 a file or an option is wrong.
    """
    given = locals()

    def work() -> Answer:
        from perpbook.report.progress import progress
        from perpbook.report.treasury_incidents_text import incidents_data, tell_incidents
        from perpbook.runs.drill_asked import drill_from
        from perpbook.runs.moments import pairs
        from perpbook.runs.treasury_given import TreasuryGiven, policy_of
        from perpbook.runs.treasury_incidents import go_through
        from perpbook.treasury.own_facts import treasury_facts

        one = TreasuryGiven(acts=True, policy=policy_of(alarm, calm, pairs(reserves, "--reserve")))
        of_drill = {name: value for name, value in given.items() if name not in {"alarm", "calm", "reserves", "facts"}}
        asked = drill_from({**of_drill, "storm": None})
        with progress("Incidents", quiet=as_json) as tell:
            found = go_through(asked, one, storms or (), (prices, after), tell, treasury_facts(facts))
        return Answer(data=incidents_data(found), tell=lambda console: tell_incidents(console, found))

    reply("treasury.incidents/1", as_json, work)
