"""`perpbook check`: the book against the playbook, now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli.output import BREACH, NEAR, OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.runs.check import CheckResult

Book = Annotated[Path, typer.Argument(help="Book file: TOML, JSON or CSV.")]
Rules = Annotated[
    Path | None,
    typer.Argument(help="Playbook file; ./playbook.toml when there is one, else only the survival moves."),
]
MarketFile = Annotated[Path | None, typer.Option("--market", help="File with newer prices.")]


def check(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    market: MarketFile = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 11 when a rule is near its limit.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List the rules that hold, too.")] = False,
    volatility: Annotated[
        list[str] | None,
        typer.Option("--volatility", help="BTC=0.6: a year's, to tell whether money would come in time; repeat it."),
    ] = None,
    lake: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--lake",
            help="Folder of the lake, for rules on funding; $PERPBOOK_DATA_LAKE, or lake in the home folder.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Assess a book and hold it against a playbook: leverage, liquidation, stress, rules, the cheapest trims.

    Exit codes: 0 every rule holds, 10 a rule is broken, 11 near a limit (with --strict), 3 a file is wrong,
    20 a price is missing or stale.
    """

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.runs.check import run_check
        from perpbook.runs.places import lake_folder, playbook_beside, terms_folders

        result = run_check(
            book,
            playbook_beside(book) if playbook is None else playbook,
            market=market,
            now_ns=now_ns(),
            terms_folders=terms_folders(),
            lake=lake or lake_folder(),
        )
        answer = with_money(answer_of_check(result, strict=strict, every=every, page=html), result, html)
        return with_rescue(answer, result, volatility) if volatility else answer

    reply("check/1", as_json, work)


def with_money(answer: Answer, result: CheckResult, html: Path | None) -> Answer:
    """The answer with where money stands, and the page of both."""
    from perpbook.runs.check_money import money_of

    money = money_of(result)
    if html is not None:
        from perpbook.runs.page import write_page

        write_page(result, html, money)
    if money is None:
        return answer
    from perpbook.report.treasury_check import money_document, money_sentences

    def tell(console: Console) -> None:
        answer.tell(console)
        console.print("Money on layers and under way")
        for told in money_sentences(money):
            console.print(f"  {told}")

    assert isinstance(answer.data, dict)
    return replace(answer, data={**answer.data, "treasury": money_document(money)}, tell=tell)


def with_rescue(answer: Answer, result: CheckResult, volatility: list[str]) -> Answer:
    """The answer with the chance that money comes too late."""
    from perpbook.report.rescue_document import now_document
    from perpbook.report.rescue_told import now_sentences
    from perpbook.runs.asked import mapped
    from perpbook.runs.check_rescue import check_gaps

    gaps = check_gaps(result, mapped(volatility, "--volatility"))

    def tell(console: Console) -> None:
        answer.tell(console)
        for told in now_sentences(gaps):
            console.print(told)

    assert isinstance(answer.data, dict)
    return replace(answer, data={**answer.data, "rescue": now_document(gaps)}, tell=tell)


def answer_of_check(result: object, *, strict: bool, every: bool, page: Path | None) -> Answer:
    """A check as an answer: data, tables, exit code."""
    from perpbook.model.verdict import Status
    from perpbook.runs.check import CheckResult

    assert isinstance(result, CheckResult)
    codes = {Status.OK: OK, Status.NEAR: NEAR if strict else OK, Status.BREACH: BREACH}

    def tell(console: object) -> None:
        from rich.console import Console

        from perpbook.report.text import tell_check

        assert isinstance(console, Console)
        tell_check(console, result.assessment, result.verdict, playbook=result.playbook.name, every=every)
        if page is not None:
            console.print(f"Report: {page}")

    return Answer(
        data={
            "playbook": result.playbook.name,
            "verdict": result.verdict,
            "assessment": result.assessment,
            "page": page,
            "past": None if result.past is None else result.past.document(result.assessment.positions),
        },
        tell=tell,
        exit_code=codes[result.verdict.status],
    )
