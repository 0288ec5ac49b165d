"""`perpbook treasury plan`: what to move, over which way, and what if one thing fails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.treasury_status import Book, Last, MarketFile, Memory, OwnFacts, Rules, Seed, Storm, state_asked

Needs = Annotated[
    list[str] | None,
    typer.Option("--need", help="PLACE=DOLLARS@MINUTES: an account or a layer, how much, by when; repeatable."),
]
Fees = Annotated[
    list[str] | None,
    typer.Option("--fee", help="ROUTE=DOLLARS+BPSbps: a fee that no facts know, or yours; repeatable."),
]
Caps = Annotated[
    list[str] | None,
    typer.Option("--cap", help="ROUTE=DOLLARS: the most over a route, or your part of a shared limit; repeatable."),
]
InFlight = Annotated[
    list[str] | None,
    typer.Option("--in-flight", help="RISK=DOLLARS: the most under way over routes of a risk class; repeatable."),
]
Keep = Annotated[float, typer.Option("--keep", help="Share of an account's free collateral that stays there.")]
Waiting = Annotated[float, typer.Option("--waiting", help="What a dollar under way costs a year, as a fraction.")]
HalfSpread = Annotated[float, typer.Option("--half-spread", help="What reducing loses beside its fee, of notional.")]
First = Annotated[
    str, typer.Option("--first", help="What comes after survival: time or cost, of ways that are in time.")
]
Reduce = Annotated[
    bool, typer.Option("--reduce/--no-reduce", help="May positions be reduced where money cannot do it?")
]
Failures = Annotated[
    bool,
    typer.Option("--failures/--no-failures", help="Must accounts with positions be fed after any one failure?"),
]
MadeUp = Annotated[bool, typer.Option("--made-up", help="Without --need: reckon needs with a simulated year.")]
Lake = Annotated[
    Path | None, typer.Option("--lake", help="Without --need: the lake whose past needs are reckoned from.")
]
Probability = Annotated[float, typer.Option("--probability", help="With which every need is to be met in time.")]
Deadline = Annotated[float, typer.Option("--deadline", help="Minutes of needs that name none.")]


def plan(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    need: Needs = None,
    storm: Storm = None,
    health: Memory = None,
    last: Last = None,
    probability: Probability = 0.95,
    deadline: Deadline = 60.0,
    greedy: Annotated[bool, typer.Option("--greedy", help="The plan that the solver's fallback makes.")] = False,
    first: First = "time",
    reduce: Reduce = True,
    failures: Failures = True,
    keep: Keep = 0.5,
    waiting: Waiting = 0.0,
    half_spread: HalfSpread = 1e-4,
    fee: Fees = None,
    cap: Caps = None,
    in_flight: InFlight = None,
    facts: OwnFacts = None,
    lake: Lake = None,
    made_up: MadeUp = False,
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
        state=state_asked(given), needs=given["need"] or (), probability=given["probability"], minutes=given["deadline"],
        greedy=given["greedy"], first=given["first"], reduce=given["reduce"], failures=given["failures"],
        kept=given["keep"], waiting=given["waiting"],
        half_spread=given["half_spread"], fees=given["fee"] or (), caps=given["cap"] or (),
        in_flight=given["in_flight"] or (), made_up=given["made_up"], lake=given["lake"] or lake_folder(),
    )  # fmt: skip
    found = run_plan(asked, now_ns=now_ns(), terms_folders=terms_folders())
    code = OK if found.plan.feasible and found.trial.kept else BREACH
    return Answer(data=plan_document(found), tell=lambda console: tell_plan(console, found), exit_code=code)
