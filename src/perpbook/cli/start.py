"""The commands to begin with: demo, init, doctor, version, warmup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import OK, Answer, AsJson, reply


def register(app: typer.Typer) -> None:
    """Add these commands to the program, first in its help."""
    for command in (demo, init, doctor, version, warmup):
        app.command()(command)


def demo(
    example: Annotated[str, typer.Option("--example", help="directional, hedged or desk.")] = "hedged",
    playbook: Annotated[str, typer.Option("--playbook", help="conservative or aggressive.")] = "conservative",
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check an example book, offline, with made-up prices. Always exits with 0: a broken example is the lesson."""

    def work() -> Answer:
        from perpbook.cli.check import answer_of_check
        from perpbook.examples.catalogue import EXAMPLES
        from perpbook.runs.demo import check_example

        result = check_example(example, playbook)
        if html is not None:
            from perpbook.runs.page import write_page

            write_page(result, html)
        answer = answer_of_check(result, strict=False, every=False, page=html)

        def tell(console: object) -> None:
            from rich.console import Console

            assert isinstance(console, Console)
            console.print(f'Example "{example}": {EXAMPLES[example]}.')
            answer.tell(console)
            console.print("\nNext: perpbook init, then perpbook check; perpbook demo --example desk --html desk.html")

        return Answer(data=answer.data, tell=tell, exit_code=OK)

    reply("check/1", as_json, work)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write book.toml and playbook.toml into.")] = Path(),
    example: Annotated[str, typer.Option("--example", help="Which example to start from.")] = "directional",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a book and a playbook to start from: edit them, then run `perpbook check`."""

    def work() -> Answer:
        from perpbook.runs.init import start_folder

        written = start_folder(folder, example, force=force)
        return Answer(
            data={"written": written},
            tell=lambda console: console.print(
                "\n".join(f"Wrote {path}" for path in written)
                + "\nThey hold an example with made-up prices. Put your own in, or import a venue's answer:\n"
                f"  perpbook book import state.json --out {written[0]}\n"
                f"  perpbook check {written[0]}"
            ),
        )

    reply("init/1", as_json, work)


def doctor(as_json: AsJson = False) -> None:
    """Look for what could be wrong with this installation: versions, folders, the kernel cache, the terms' age."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.doctor import tell_doctor
        from perpbook.runs.doctor import examine

        found = examine(now_ns())
        failed = any(not one.fine for one in found if one.needed)
        return Answer(data=found, tell=lambda console: tell_doctor(console, found), exit_code=3 if failed else OK)

    reply("doctor/1", as_json, work)


def version(as_json: AsJson = False) -> None:
    """Print the version."""

    def work() -> Answer:
        from perpbook import __version__

        return Answer(data={"version": __version__}, tell=lambda console: console.print(f"perpbook {__version__}"))

    reply("version/1", as_json, work)


def warmup(as_json: AsJson = False) -> None:
    """Compile the kernels into the cache: backtests need them, and checks of books of more than 200 positions."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.progress import progress
        from perpbook.runs.warmup import run_warmup

        with progress("compiling", quiet=as_json) as step:
            found = run_warmup(now_ns, step)
        return Answer(
            data=found,
            tell=lambda console: console.print(
                f"{len(found.kernels)} kernels compiled in {found.seconds:.1f} s, kept in {found.folder}"
            ),
        )

    reply("warmup/1", as_json, work)
