"""`perpbook data`: the lake of price and funding history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli.output import OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.model.data_finding import DataFinding
    from perpbook.runs.data import Generated, Imported, Quality, SeriesStatus
    from perpbook.runs.pull import Pulled

app = typer.Typer(
    help="Price and funding history: import, pull, examine, make up.", no_args_is_help=True, rich_markup_mode=None
)

UNFIT = 20
LakeFolder = Annotated[
    Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
]
Kind = Annotated[str | None, typer.Option("--kind", help="candles, candles_spot, mark, funding, open_interest, gas.")]
Venue = Annotated[str | None, typer.Option("--venue", help="Venue, as in `perpbook data status`.")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="BASE-QUOTE, as in BTC-USDT.")]


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Parquet, CSV or freqtrade feather files, or folders of them.")],
    venue: Annotated[str | None, typer.Option("--venue", help="Venue of files that do not say it.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="BASE-QUOTE of files that do not say it.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Kind of files whose columns and name do not say it.")
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Mark the rows as made up.")] = False,
    lake: LakeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Import history from files. A row of a time that the lake has gives way to the newer one."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.progress import progress
        from perpbook.runs.data import Which, run_import

        with progress("Importing", quiet=as_json) as step:
            which = Which(kind=kind, venue=venue, symbol=symbol)
            done = run_import(paths, _folder(lake), which, simulated=simulated, now_ns=now_ns(), tell=step)
        return Answer(data=done, tell=lambda console: tell_imported(console, done))

    reply("data.import/1", as_json, work)


@app.command("status")
def status(
    kind: Kind = None, venue: Venue = None, symbol: Symbol = None, lake: LakeFolder = None, as_json: AsJson = False
) -> None:
    """List the series in the lake: how many rows, from when to when, from where, real or simulated."""

    def work() -> Answer:
        from perpbook.runs.data import Which, run_status

        found = run_status(_folder(lake), Which(kind=kind, venue=venue, symbol=symbol))
        data = {"lake": _folder(lake), "series": found}
        return Answer(data=data, tell=lambda console: tell_status(console, _folder(lake), found))

    reply("data.status/1", as_json, work)


@app.command("quality")
def quality(
    kind: Kind = None,
    venue: Venue = None,
    symbol: Symbol = None,
    every: Annotated[bool, typer.Option("--all", help="List notes, too.")] = False,
    lake: LakeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Examine the lake for gaps, repeats, impossible and frozen bars, outliers, splices, funding that is mislabelled.

    Exit codes: 0 nothing fatal, 20 a fatal finding: a backtest over its span refuses the data.
    """

    def work() -> Answer:
        from perpbook.model.data_finding import Severity
        from perpbook.report.progress import progress
        from perpbook.runs.data import Which, run_quality
        from perpbook.runs.places import terms_folders

        which = Which(kind=kind, venue=venue, symbol=symbol)
        with progress("Examining", quiet=as_json) as step:
            found = run_quality(_folder(lake), which, step, terms_folders=terms_folders())
        return Answer(
            data=found,
            tell=lambda console: tell_quality(console, found, every=every),
            exit_code=UNFIT if found.counted(Severity.FATAL) else OK,
        )

    reply("data.quality/1", as_json, work)


@app.command("pull")
def pull(
    venue: Annotated[str, typer.Argument(help="Venue: binance, bybit, okx, hyperliquid, dydx, deribit.")],
    symbols: Annotated[list[str], typer.Argument(help="Coins, or BASE-QUOTE: BTC ETH-USDT.")],
    kinds: Annotated[str, typer.Option("--kinds", help="candles, mark, funding; with commas.")] = "candles,funding",
    bar: Annotated[str, typer.Option("--bar", help="Width of a bar: 1m, 5m, 15m, 1h, 4h, 1d.")] = "1h",
    since: Annotated[str | None, typer.Option("--since", help="First time; left out: where the lake ends.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End; left out: now.")] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Ask this address in the venue's place: a mirror, or a recording.")
    ] = None,
    lake: LakeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Pull a venue's public history, going on from what the lake has. No keys are used. Needs perpbook[live]."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.history.widths import bar_of
        from perpbook.report.progress import progress
        from perpbook.runs.pull import Order, run_pull

        now = now_ns()
        order = Order(
            venue=venue, symbols=tuple(symbols), kinds=tuple(kind.strip() for kind in kinds.split(",") if kind.strip()),
            bar_ns=bar_of(bar), since_ns=None if since is None else _moment(since),
            until_ns=now if until is None else _moment(until),
        )  # fmt: skip
        with progress("Pulling", quiet=as_json) as step:
            done = run_pull(_folder(lake), order, endpoint=endpoint, now_ns=now, tell=step)
        return Answer(data={"lake": _folder(lake), "series": done}, tell=lambda console: tell_pulled(console, done))

    reply("data.pull/1", as_json, work)


@app.command("generate")
def generate(
    assets: Annotated[int, typer.Option("--assets", help="How many assets, 1 to 10: BTC, ETH, SOL and so on.")] = 3,
    venues: Annotated[
        str, typer.Option("--venues", help="Venues to write them for, with commas.")
    ] = "binance,hyperliquid",
    start: Annotated[str, typer.Option("--start", help="First day, YYYY-MM-DD.")] = "2024-01-01",
    days: Annotated[float, typer.Option("--days", help="How many days.")] = 365.0,
    bar: Annotated[str, typer.Option("--bar", help="Width of a bar: 1m, 5m, 15m, 1h, 4h, 1d.")] = "1h",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same market.")] = 1,
    lake: LakeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a market up and store it, marked as simulated: regimes, jumps, correlated assets, funding that follows."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.history.widths import bar_of
        from perpbook.runs.data import Recipe, run_generate

        names = tuple(name.strip() for name in venues.split(",") if name.strip())
        recipe = Recipe(assets=assets, venues=names, start_ns=_moment(start), days=days, bar_ns=bar_of(bar), seed=seed)
        done = run_generate(_folder(lake), recipe, now_ns=now_ns())
        return Answer(data=done, tell=lambda console: tell_generated(console, done))

    reply("data.generate/1", as_json, work)


def tell_imported(console: Console, done: Imported) -> None:
    """One row per file, then what was skipped and why."""
    from perpbook.report.text import table

    made = table("Imported", "file", "kind", "rows", "series", "new", "changed", left=2)
    for one in done.files:
        if one.skipped is None:
            numbers = (one.rows, one.series, one.added, one.replaced)
            made.add_row(one.path.name, one.kind or "", *(f"{number:,}" for number in numbers))
    console.print(made)
    for one in done.files:
        for remark in one.remarks[:5]:
            console.print(f"{one.path.name}: {remark}.")
        if one.skipped is not None:
            console.print(f"Skipped {one.path.name}: {one.skipped}.")
    console.print(f"Lake: {done.lake}")


def tell_status(console: Console, folder: Path, found: Sequence[SeriesStatus]) -> None:
    """One row per series."""
    from perpbook.report.text import table

    marked = any(one.simulated for one in found)
    made = table("", "kind", "venue", "symbol", "bar", "rows", "first", "last", "source", left=4)
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for one in found:
        source = "SIMULATED" if one.simulated else one.source.split(" (")[0]
        bar = "" if one.kind == "funding" else one.bar
        made.add_row(one.kind, one.venue, one.symbol, bar, f"{one.rows:,}", one.first[:10], one.last[:10], source)
    console.print(made)
    if marked:
        console.print("SIMULATED rows are made up: no market ever traded at them.")
    console.print(f"{len(found):,} series, {sum(one.rows for one in found):,} rows in {folder}")


def tell_quality(console: Console, found: Quality, *, every: bool) -> None:
    """Findings worst first; without `every`, notes are only counted."""
    from perpbook.model.data_finding import Severity
    from perpbook.report.text import table

    shown = [one for one in found.findings if every or one.severity is not Severity.NOTE]
    if shown:
        made = table("", "severity", "finding", "series", "touches runs", "what", left=5)
        made.columns[2].min_width, made.columns[3].min_width = 22, 16
        for one in shown:
            made.add_row(one.severity.value, one.code, f"{one.kind} {one.venue} {one.symbol}", _span(one), one.message)
        console.print(made)
    counts = ", ".join(f"{found.counted(severity):,} {severity.value}" for severity in Severity)
    console.print(f"{found.series:,} series examined: {counts}.")
    if found.counted(Severity.FATAL):
        console.print("A backtest that meets a fatal finding refuses the data unless told --accept.")
    if not every and found.counted(Severity.NOTE):
        console.print("--all lists the notes.")


def tell_pulled(console: Console, done: Sequence[Pulled]) -> None:
    """One row per series."""
    from perpbook.report.text import table

    made = table("Pulled", "kind", "venue", "symbol", "bar", "new", "rows", "first", "last", "requests", left=4)
    for one in done:
        bar = "" if one.kind == "funding" else one.bar
        numbers = f"{one.added:,}", f"{one.rows:,}", one.first[:10], one.last[:10], f"{one.requests:,}"
        made.add_row(one.kind, one.venue, one.symbol, bar, *numbers)
    console.print(made)


def tell_generated(console: Console, done: Generated) -> None:
    """What was made, and that it is made up."""
    console.print("SIMULATED prices: no market ever made them.")
    tell_status(console, done.lake, done.series)
    console.print(f"Seed {done.seed} makes the same again.")


def _span(one: DataFinding) -> str:
    from perpbook.model.units import to_iso

    return f"{to_iso(one.start_ns)[:16]} {to_iso(one.end_ns)[:16]}"


def _folder(lake: Path | None) -> Path:
    from perpbook.runs.places import lake_folder

    return lake_folder() if lake is None else lake


def _moment(text: str) -> int:
    from perpbook.errors import InputError
    from perpbook.model.units import from_iso

    try:
        return from_iso(text)
    except ValueError:
        raise InputError(f'"{text}" is not a time: write 2022-11-08 or 2022-11-08T12:00:00') from None
