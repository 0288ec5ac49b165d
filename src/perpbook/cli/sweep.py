"""`perpbook sweep`: one journey under many playbooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli import backtest as shared
from perpbook.cli.output import Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.runs.sweep import SweepResult

app = typer.Typer(
    help="Run one journey under many playbooks, and see what luck explains.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("run")
def run(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[Path, typer.Argument(help="Playbook whose figures are varied.")],
    vary: Annotated[
        list[str], typer.Option("--vary", help="key=low:high:step, key=a,b,c, or key=low:high; repeat it.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder to keep it in; the same command goes on where it stopped.")
    ],
    draws: Annotated[int, typer.Option("--draws", help="Points of a Latin hypercube; 0 takes the whole grid.")] = 0,
    split: Annotated[
        float, typer.Option("--split", help="Share of the bars looked at first; the rest is the test.")
    ] = 0.7,
    threads: Annotated[int, typer.Option("--threads", help="Threads.", min=1, max=256)] = 2,
    start: shared.From = None,
    end: shared.To = None,
    bar: shared.Bar = "1h",
    legs: shared.Legs = None,
    strategy: shared.Named = None,
    options: shared.Set = None,
    targets: shared.Targets = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    accept: shared.Accept = False,
    latency: shared.Latency = 0,
    half_spread: shared.Spread = 1e-4,
    impact: shared.Impact = 1.0,
    fee_tier: shared.FeeTier = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of the Latin hypercube.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Vary a playbook's figures over history. An interrupted sweep goes on with the same command."""

    given = locals()

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.progress import progress
        from perpbook.runs.asked import asked_from
        from perpbook.runs.sweep import SweepPlan, parse_varied, run_sweep

        plan = SweepPlan(varied=tuple(parse_varied(one) for one in vary), draws=draws, seed=seed, split=split)
        with progress("Sweep", quiet=as_json) as step:
            found = run_sweep(asked_from(given), plan, out, threads=threads, now_ns=now_ns, tell=step)
        return Answer(data=found, tell=lambda console: tell_sweep(console, found))

    reply("sweep/1", as_json, work)


@app.command("status")
def status(
    folder: Annotated[Path, typer.Argument(help="Folder that `sweep run --out` wrote.")], as_json: AsJson = False
) -> None:
    """Tell how far a sweep is, and its best variants so far."""

    def work() -> Answer:
        from perpbook.runs.sweep import read_sweep

        found = read_sweep(folder)
        return Answer(data=found, tell=lambda console: tell_sweep(console, found))

    reply("sweep/1", as_json, work)


def tell_sweep(console: Console, found: SweepResult) -> None:
    """A sweep in words."""
    from perpbook.report.sweep import tell_best, tell_luck

    rate = f", {found.done / found.seconds:,.0f} a second" if found.seconds > 0 else ""
    console.print(f"{found.done:,} of {found.variants:,} variants done{rate}. Kept in {found.folder}")
    console.print("Best by the part looked at first; 'after' is the same measure out of sample.")
    tell_best(console, found.best)
    tell_luck(console, found.deflated, found.expected_by_luck, found.rank_correlation, found.done)
