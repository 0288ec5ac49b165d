"""How a command answers: data on stdout, messages on stderr, one JSON document with --json, one exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.errors import InputError, PerpbookError

if TYPE_CHECKING:
    from rich.console import Console

OK, OUR_BUG, USAGE, BREACH, NEAR, INTERRUPTED = 0, 1, 2, 10, 11, 130

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found: `data` for --json, `tell` prints it for people."""

    data: object
    tell: Callable[[Console], object]
    exit_code: int = OK


def console() -> Console:
    """Standard output, at most 100 columns; plain when it is not a terminal."""
    from rich.console import Console

    made = Console(highlight=False, soft_wrap=False)
    width = 100 if not made.is_terminal else min(100, made.width)
    return Console(highlight=False, width=width, emoji=False, markup=False)


def reply(schema: str, as_json: bool, work: Callable[[], Answer]) -> None:
    """Do the work, print its answer or its error, and leave with the right exit code."""
    try:
        answer = work()
    except PerpbookError as error:
        if as_json:
            from perpbook.report.document import envelope

            print(envelope(schema, error=error))
        else:
            tell_error(error)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        from perpbook.report.document import envelope

        print(envelope(schema, data=answer.data))
    else:
        answer.tell(console())
    raise typer.Exit(answer.exit_code)


def tell_error(error: PerpbookError) -> None:
    """The message on stderr: every problem of a file, each with its next step."""
    print(f"error: {error.message if isinstance(error, InputError) else error}", file=sys.stderr)
    for problem in error.problems if isinstance(error, InputError) else ():
        print(f"  {problem}", file=sys.stderr)


def guarded(run: Callable[[], None]) -> None:
    """Run the program; what nobody foresaw becomes one line and exit code 1, an interrupt 130."""
    try:
        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
    except Exception as error:
        if os.environ.get("PERPBOOK_DEBUG"):
            traceback.print_exc()
        print(
            f"perpbook has a bug: {type(error).__name__}: {error}\n"
            "  run again with PERPBOOK_DEBUG=1 and report the traceback",
            file=sys.stderr,
        )
        sys.exit(OUR_BUG)
