"""`perpbook drill`: weeks that never happened, and what they do to the accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli import backtest as shared
from perpbook.cli.output import Answer, AsJson, reply

app = typer.Typer(help="Put the book through storms that never happened.", no_args_is_help=True, rich_markup_mode=None)

Paths = Annotated[int, typer.Option("--paths", help="How many futures.", min=1)]
Horizon = Annotated[str, typer.Option("--horizon", help="How far: 24h, 7d, 30d.")]
Step = Annotated[str, typer.Option("--step", help="Width of a step, that of the history's bars: 5m, 15m, 1h, 4h, 1d.")]
Kind = Annotated[
    str, typer.Option("--kind", help="bootstrap (blocks of the past), filtered, copula, student or normal.")
]
Shock = Annotated[float, typer.Option("--shock", help="Every move so many times as large.")]
Blend = Annotated[float, typer.Option("--blend", help="Correlation towards one (1) or none (-1).")]
Nu = Annotated[float, typer.Option("--nu", help="Degrees of freedom of fat-tailed kinds.")]
Block = Annotated[float | None, typer.Option("--block", help="Mean length of a block of the past, in steps.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same futures.")]
Threads = Annotated[int, typer.Option("--threads", help="Threads; they change no figure.", min=1, max=256)]
MadeUp = Annotated[bool, typer.Option("--made-up", help="Draw from simulated history: a trial without any data.")]


@app.command("run")
def run(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook; the one beside the book when there is one.")
    ] = None,
    paths: Paths = 10_000,
    horizon: Horizon = "7d",
    step: Step = "1h",
    kind: Kind = "bootstrap",
    shock: Shock = 1.0,
    blend: Blend = 0.0,
    nu: Nu = 4.0,
    block: Block = None,
    seed: Seed = 1,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: MadeUp = False,
    no_playbook: shared.Alone = False,
    threads: Threads = 2,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw futures, run the book through each of them, and tell what dies, how often, and what the playbook saves.

    Exit codes: 0 done, 3 a file or an option is wrong, 20 history is missing.
    """
    given = locals()

    def work() -> Answer:
        from perpbook.report.drill_document import drill_document
        from perpbook.report.drill_text import tell_drill
        from perpbook.report.progress import progress
        from perpbook.runs.drill import run_asked_drill
        from perpbook.runs.drill_asked import drill_from
        from perpbook.runs.drill_page import write_drill

        with progress("Drill", quiet=as_json) as tell:
            found = run_asked_drill(drill_from(given), tell, threads=threads)
        if html is not None:
            write_drill(found, html)
        return Answer(data=drill_document(found), tell=lambda console: tell_drill(console, found))

    reply("drill/1", as_json, work)
