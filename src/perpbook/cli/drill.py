"""`perpbook drill`: weeks that never happened, and what they do to the accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli import backtest as shared
from perpbook.cli import drill_shelf
from perpbook.cli.output import Answer, AsJson, reply
from perpbook.cli.treasury_status import OwnFacts

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="Put the book through storms that never happened.", no_args_is_help=True, rich_markup_mode=None)

Paths = Annotated[int, typer.Option("--paths", help="How many futures.", min=1)]
Usually = Annotated[
    int | None, typer.Option("--paths", help="How many futures. Usually 10000, with --treasury 200.", min=1)
]
Save = Annotated[
    Path | None, typer.Option("--save", help="Folder to keep every future in, as Parquet, part by part as it goes.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the drill that --save keeps, where it stopped.")]
Horizon = Annotated[
    str | None, typer.Option("--horizon", help="How far: 24h, 7d, 30d. Usually 7d, or the storm's own length.")
]
Step = Annotated[
    str | None, typer.Option("--step", help="Width of a step: 5m, 15m, 1h, 4h, 1d. Usually 1h, or the storm's own.")
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="bootstrap (blocks of the past), filtered, vine, copula, student, normal; still or replay, the storm alone.",
    ),
]
Storm = Annotated[
    str | None, typer.Option("--storm", help='A storm: a name, a file, or "a + b", "a then b after 20m".')
]
Shock = Annotated[float, typer.Option("--shock", help="Every move so many times as large.")]
Blend = Annotated[float, typer.Option("--blend", help="Correlation towards one (1) or none (-1).")]
Nu = Annotated[
    float | None, typer.Option("--nu", help="Degrees of freedom of fat-tailed kinds; usually fitted (copula), or 4.")
]
Filter = Annotated[
    str | None,
    typer.Option("--filter", help="gjr (a fitted GARCH, usual with perpbook[tails]) or ewma, of --kind filtered."),
]
Trees = Annotated[int, typer.Option("--trees", help="Trees of a vine that are fitted.")]
Jumps = Annotated[
    str | None,
    typer.Option(
        "--jumps", help='Jumps on top: "2/y,-8%,5%": rate, middle size, spread; then own=1/w, excite=0.3, beta.'
    ),
]
Block = Annotated[float | None, typer.Option("--block", help="Mean length of a block of the past, in steps.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same futures.")]
Arrives = Annotated[
    list[str] | None,
    typer.Option("--arrives", help="account=45m: how long money sent at the start takes to it; repeat it."),
]
Scales = Annotated[
    list[float] | None,
    typer.Option("--scale", help="All positions so many times as large; once for both sides, twice for one each."),
]
Threads = Annotated[int, typer.Option("--threads", help="Threads; they change no figure.", min=1, max=256)]
MadeUp = Annotated[bool, typer.Option("--made-up", help="Draw from simulated history: a trial without any data.")]


@app.command("run")
def run(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook; the one beside the book when there is one.")
    ] = None,
    storm: Storm = None,
    paths: Usually = None,
    horizon: Horizon = None,
    step: Step = None,
    kind: Kind = None,
    shock: Shock = 1.0,
    blend: Blend = 0.0,
    nu: Nu = None,
    filtering: Filter = None,
    trees: Trees = 2,
    jumps: Jumps = None,
    block: Block = None,
    arrives: Arrives = None,
    treasury: shared.Acts = False,
    alarm: shared.Rings = None,
    calm: shared.Calm = None,
    reserves: shared.Kept = None,
    facts: OwnFacts = None,
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
    save: Save = None,
    resume: Resume = False,
    max_mem: Annotated[
        str | None, typer.Option("--max-mem", help="Most memory: 2GB, 500MB. Too little is refused before it begins.")
    ] = None,
    with_map: Annotated[
        bool, typer.Option("--map", help="Put the survival map into the report: size of the book, correlation, moves.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw futures, run the book through each of them, and tell what dies, how often, and what the playbook saves.

    Exit codes: 0 done, 3 a file or an option is wrong, 20 history is missing.
    """
    given = locals()
    reply("drill/1", as_json, lambda: drilled(given))


def drilled(given: dict[str, Any]) -> Answer:
    """A drill as an answer: data, tables, a page."""
    from perpbook.errors import InputError
    from perpbook.kernels import jit

    if given["storm"] is not None and given["kind"] in (None, "still", "replay"):
        jit.prefer_plain()  # One path is done before the compiler has begun.
    from perpbook.report.drill_document import drill_document
    from perpbook.report.drill_text import tell_drill
    from perpbook.report.drill_treasury_text import tell_drill_treasury
    from perpbook.report.progress import progress
    from perpbook.runs.drill_asked import drill_from, manner_from
    from perpbook.runs.drill_keep import keep_drill
    from perpbook.runs.drill_map import MAP_PATHS, map_beside
    from perpbook.runs.drill_page import write_drill
    from perpbook.runs.drill_treasury import run_treasured_drill

    def say(words: str) -> None:
        if not given["as_json"]:
            typer.echo(words, err=True)

    if given["with_map"] and given["html"] is None:
        raise InputError("--map stands in the report: name its file with --html, or use `drill map`")
    asked, survival = drill_from(given), None
    with progress("Drill", quiet=given["as_json"]) as tell:
        found = run_treasured_drill(asked, tell, threads=given["threads"], manner=manner_from(given, say))
        if given["with_map"] and given["html"] is not None:
            survival = map_beside(asked, paths=min(asked.paths, MAP_PATHS), tell=tell)
    if given["html"] is not None:
        write_drill(found, given["html"], survival)
    if given["save"] is not None and found.drill is not None:
        keep_drill(found, given["save"])

    def told(console: Console) -> None:
        tell_drill(console, found)
        tell_drill_treasury(console, found.treasured)

    return Answer(data=drill_document(found), tell=told)


@app.command("compare")
def compare(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    first: Annotated[Path, typer.Argument(help="A playbook.")],
    second: Annotated[Path | None, typer.Argument(help="Another; the same one unless given.")] = None,
    scale: Scales = None,
    storm: Storm = None,
    paths: Paths = 10_000,
    horizon: Horizon = None,
    step: Step = None,
    kind: Kind = None,
    shock: Shock = 1.0,
    blend: Blend = 0.0,
    nu: Nu = None,
    filtering: Filter = None,
    trees: Trees = 2,
    jumps: Jumps = None,
    block: Block = None,
    seed: Seed = 1,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: MadeUp = False,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Put two playbooks, or two sizes, through the same futures: who dies under which, and what the difference is worth."""
    given = locals()

    def work() -> Answer:
        from perpbook.report.drill_compare import compare_futures, tell_comparison
        from perpbook.report.progress import progress
        from perpbook.runs.drill import run_side
        from perpbook.runs.drill_asked import drill_from, two_sides

        sides, futures = two_sides(first, second, scale or []), []
        with progress("Drill", quiet=as_json) as tell:
            for _, playbook, size in sides:
                asked = drill_from(given | {"playbook": playbook, "no_playbook": False, "scale": size})
                futures.append(run_side(asked, tell, threads=threads))
        found = compare_futures((sides[0][0], sides[1][0]), futures[0], futures[1])
        return Answer(data=found, tell=lambda console: tell_comparison(console, found))

    reply("drill-compare/1", as_json, work)


@app.command("map")
def survival(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    chance: Annotated[float, typer.Option("--chance", help="Of losing an account, that a size may have.")] = 0.01,
    paths: Paths = 2_000,
    horizon: Horizon = None,
    step: Step = None,
    kind: Annotated[str, typer.Option("--kind", help="student, copula or normal.")] = "student",
    nu: Nu = None,
    seed: Seed = 1,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: MadeUp = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write heatmaps as one self-contained page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Map how often every account lives, and how large the book may be, over correlation, the size of moves and of the book."""
    given = locals() | {"playbook": None, "no_playbook": True, "storm": None, "shock": 1.0, "blend": 0.0, "block": None}

    def work() -> Answer:
        from perpbook.report.drill_map import tell_map
        from perpbook.report.progress import progress
        from perpbook.runs.drill_asked import drill_from
        from perpbook.runs.drill_map import survival_map
        from perpbook.runs.drill_page import write_map

        with progress("Map", quiet=as_json) as tell:
            found = survival_map(drill_from(given), chance=chance, tell=tell)
        if html is not None:
            write_map(found, html)

        def told(console: Console) -> None:
            for note in found.notes:
                console.print(f"Note: {note}.")
            tell_map(console, found)

        return Answer(data=found, tell=told)

    reply("drill-map/1", as_json, work)


@app.command("all")
def every_storm(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook; the one beside the book when there is one.")
    ] = None,
    of_kind: Annotated[
        list[str] | None,
        typer.Option("--of", help="historic, synthetic, incident or grid; repeat it. Usually all but incidents."),
    ] = None,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: MadeUp = False,
    no_playbook: shared.Alone = False,
    as_json: AsJson = False,
) -> None:
    """Put the book through every storm, one by one: what each of them kills, and what the playbook saves.

    Storms are those of the catalogue, the grid that the playbook names, and the worst of the book's own history.
    """
    given = locals()

    def work() -> Answer:
        from perpbook.kernels import jit

        jit.prefer_plain()
        from perpbook.report.progress import progress
        from perpbook.report.storms import outcome_row, tell_outcomes
        from perpbook.runs.all_storms import face_every_storm
        from perpbook.runs.drill_asked import drill_from

        with progress("Storms", quiet=as_json) as tell:
            found = face_every_storm(drill_from(given), tuple(of_kind or ()), tell=tell)
        rows = [outcome_row(storm, drilled) for storm, drilled in found]
        return Answer(data=rows, tell=lambda console: tell_outcomes(console, rows))

    reply("storms-faced/1", as_json, work)


@app.command("list")
def list_storms(
    book: Annotated[Path | None, typer.Argument(help="Book file: its own storms are listed too.")] = None,
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook; the one beside the book when there is one.")
    ] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", help="Length of the book's worst windows, 7d.")] = None,
    step: Step = None,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: MadeUp = False,
    no_playbook: shared.Alone = False,
    as_json: AsJson = False,
) -> None:
    """List the storms of the catalogue, and with a book its playbook's grid and the worst of its own history."""
    given = locals()

    def work() -> Answer:
        from perpbook.report.storms import storm_row, tell_storms
        from perpbook.scenario.catalogue import catalogue

        storms, lacking = list(catalogue().values()), ""
        if book is not None:
            from perpbook.runs.all_storms import own_storms
            from perpbook.runs.drill_asked import drill_from

            own = own_storms(drill_from(given))
            storms, lacking = [*own.storms, *storms], own.lacking
        return Answer(
            data=[storm_row(one) for one in storms], tell=lambda console: tell_storms(console, storms, lacking)
        )

    reply("storms/1", as_json, work)


@app.command("show")
def show(
    storm: Annotated[str, typer.Argument(help='A storm: a name, a file, or "a + b", "a then b after 20m".')],
    as_json: AsJson = False,
) -> None:
    """Show a storm in full, with its sources, as the file that would make it."""

    def work() -> Answer:
        from perpbook.report.storms import storm_data, tell_storm
        from perpbook.scenario.catalogue import find_storm

        found = find_storm(storm)
        return Answer(data=storm_data(found), tell=lambda console: tell_storm(console, found))

    reply("storm/1", as_json, work)


app.command("schedule")(drill_shelf.schedule)
app.command("report")(drill_shelf.report)
