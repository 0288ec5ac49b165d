"""`perpbook treasury plan`: what to move, over which way, and what if one thing fails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.treasury_status import Book, Last, MarketFile, Memory, OwnFacts, Rules, Seed, Storm, state_asked


def plan(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    need: Annotated[
        list[str] | None,
        typer.Option("--need", help="PLACE=DOLLARS@MINUTES: an account or a layer, how much, by when; repeatable."),
    ] = None,
    storm: Storm = None,
    health: Memory = None,
    last: Last = None,
    probability: Annotated[
        float, typer.Option("--probability", help="With which every need is to be met in time.")
    ] = 0.95,
    deadline: Annotated[float, typer.Option("--deadline", help="Minutes of needs that name none.")] = 60.0,
    greedy: Annotated[bool, typer.Option("--greedy", help="The plan that the solver's fallback makes.")] = False,
    first: Annotated[
        str, typer.Option("--first", help="What comes after survival: time or cost, of ways that are in time.")
    ] = "time",
    reduce: Annotated[
        bool, typer.Option("--reduce/--no-reduce", help="May positions be reduced where money cannot do it?")
    ] = True,
    failures: Annotated[
        bool,
        typer.Option("--failures/--no-failures", help="Must accounts with positions be fed after any one failure?"),
    ] = True,
    keep: Annotated[
        float, typer.Option("--keep", help="Share of an account's free collateral that stays there.")
    ] = 0.5,
    waiting: Annotated[
        float, typer.Option("--waiting", help="What a dollar under way costs a year, as a fraction.")
    ] = 0.0,
    half_spread: Annotated[
        float, typer.Option("--half-spread", help="What reducing loses beside its fee, of notional.")
    ] = 1e-4,
    fee: Annotated[
        list[str] | None,
        typer.Option("--fee", help="ROUTE=DOLLARS+BPSbps: a fee that no facts know, or yours; repeatable."),
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", help="ROUTE=DOLLARS: the most over a route, or your part of a shared limit; repeatable."),
    ] = None,
    in_flight: Annotated[
        list[str] | None,
        typer.Option("--in-flight", help="RISK=DOLLARS: the most under way over routes of a risk class; repeatable."),
    ] = None,
    facts: OwnFacts = None,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Without --need: the lake whose past needs are reckoned from.")
    ] = None,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="Without --need: reckon needs with a simulated year.")
    ] = False,
    market: MarketFile = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Plan transfers that meet every need in time, try the plan by 10,000 drawn arrivals, and say what each failure would leave.

    Nothing is ever sent. Exit codes: 0 every need is met, also after any one failure; 10 something is missing or a promise fails;
    3 a file or an option is wrong; 20 a price is missing; 30 something is unread, and nothing may start.
    """
    given = locals()
    reply("treasury-plan/1", as_json, lambda: planned(given))


def planned(given: dict[str, Any]) -> Answer:
    """A plan as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.treasury_plan_text import plan_document, tell_plan
    from perpbook.runs.places import lake_folder, terms_folders
    from perpbook.runs.treasury_plan import Asked, run_plan

    asked = Asked(
        state=state_asked(given), needs=given["need"] or (), probability=given["probability"],
        minutes=given["deadline"], greedy=given["greedy"], first=given["first"], reduce=given["reduce"],
        failures=given["failures"], kept=given["keep"], waiting=given["waiting"],
        half_spread=given["half_spread"], fees=given["fee"] or (), caps=given["cap"] or (),
        in_flight=given["in_flight"] or (), made_up=given["made_up"], lake=given["lake"] or lake_folder(),
    )  # fmt: skip
    found = run_plan(asked, now_ns=now_ns(), terms_folders=terms_folders())
    code = OK if found.plan.feasible and found.trial.kept else BREACH
    return Answer(data=plan_document(found), tell=lambda console: tell_plan(console, found), exit_code=code)
