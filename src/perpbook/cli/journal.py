"""`perpbook journal`: what was meant and what was done, in order, and whether anybody changed it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="What was meant and what was done: shown, checked, written out.", no_args_is_help=True)

Place = Annotated[
    str | None,
    typer.Option("--journal", help="A file, or postgresql://...; $PERPBOOK_JOURNAL, or journal.db in the home folder."),
]


def _place(journal: str | None) -> str:
    from perpbook.runs.places import journal_place

    return journal or journal_place()


@app.command()
def show(
    journal: Place = None,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="Only records of this kind; repeat it.")] = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Records after this number.")] = 0,
    last: Annotated[int | None, typer.Option("--last", min=1, help="The last so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print records, oldest first. Each is checked against the one before as it is read."""

    def work() -> Answer:
        from perpbook.report.journal_text import tell_journal
        from perpbook.runs.journal import show as shown_of

        shown = shown_of(_place(journal), kinds=tuple(kind or ()), after=after, last=last)
        return Answer(data=shown, tell=lambda console: tell_journal(console, shown))

    reply("journal-show/1", as_json, work)


@app.command()
def verify(
    place: Annotated[
        str | None, typer.Argument(help="A journal, or a .jsonl exported from one; left out: the usual one.")
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", help="A digest noted earlier: a journal cut short does not have it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every record against the one before. Exit code 20 names the first that is missing, altered or put in."""

    def work() -> Answer:
        from perpbook.report.journal_text import tell_head
        from perpbook.runs.journal import verify as verified

        shown = verified(_place(place), head=head)

        def tell(console: Console) -> None:
            console.print("Whole.")
            tell_head(console, shown)

        return Answer(data=shown, tell=tell)

    reply("journal-verify/1", as_json, work)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write, one record a line.")],
    journal: Place = None,
    as_json: AsJson = False,
) -> None:
    """Write the journal as a text file that `journal verify` can check without the database."""

    def work() -> Answer:
        from perpbook.runs.journal import export as exported

        if out.suffix != ".jsonl":
            from perpbook.errors import InputError

            raise InputError(f"{out} should end in .jsonl: `journal verify` knows an exported journal by it")
        count = exported(_place(journal), out)
        return Answer(
            data={"path": out, "records": count}, tell=lambda console: console.print(f"{count} records in {out}")
        )

    reply("journal-export/1", as_json, work)


@app.command()
def replay(
    place: Annotated[str | None, typer.Argument(help="A journal; left out: the guard's usual one.")] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="Folder of what the guard was told; left out: beside the journal.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Stop at a time, or after the record of this number.")
    ] = None,
    proposal: Annotated[
        str | None,
        typer.Option("--proposal", help="Only the look that this proposal came of, by its digest's beginning."),
    ] = None,
    playbook: Annotated[
        Path | None, typer.Option("--playbook", help="Also ask this playbook at every look what it would have wanted.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Which guard, where there are several.")] = "guard",
    as_json: AsJson = False,
) -> None:
    """Make the guard again, tell it again what it was told, and compare what it writes. Exit code 20: something differs."""

    def work() -> Answer:
        from perpbook.errors import BrokenJournal
        from perpbook.report.replay_told import tell_replay
        from perpbook.runs.guard_places import guard_places
        from perpbook.runs.journal_replay import ReplayAsked, replay_journal
        from perpbook.runs.places import terms_folders

        places = guard_places(name, place)
        asked = ReplayAsked(
            journal=places.journal, inputs=inputs or places.inputs, until=until, proposal=proposal,
            playbook=playbook, terms_folders=terms_folders(),
        )  # fmt: skip
        found = replay_journal(asked)
        same = found.is_same and (found.look is None or found.look.same)
        return Answer(
            data=found,
            tell=lambda console: tell_replay(console, found),
            exit_code=0 if same else BrokenJournal.exit_code,
        )

    reply("journal-replay/1", as_json, work)
