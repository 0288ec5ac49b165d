"""`perpbook playbook`: the trader's rules, read, explained, compared, edited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply

app = typer.Typer(
    help="Your rules: validate, explain, show, diff, edit, schema.", no_args_is_help=True, rich_markup_mode=None
)

File = Annotated[Path, typer.Argument(help="Playbook file.")]


@app.command()
def validate(file: File = Path("playbook.toml"), as_json: AsJson = False) -> None:
    """Check a playbook: every problem at once, each with line, column and the next step. Exit code 3 when it has any."""

    def work() -> Answer:
        from perpbook.playbook.load import load_playbook
        from perpbook.runs.drill_wanted import refuse_unknown_storms

        found = load_playbook(file)
        refuse_unknown_storms(found, file)
        return Answer(
            data={"file": file, "name": found.name}, tell=lambda console: console.print(f"{file}: {found.name}: ok")
        )

    reply("playbook.validate/1", as_json, work)


@app.command()
def explain(file: File = Path("playbook.toml"), as_json: AsJson = False) -> None:
    """Say a playbook in plain English, one sentence a rule."""

    def work() -> Answer:
        from perpbook.playbook.explain import explain as sentences_of
        from perpbook.playbook.load import load_playbook

        sentences = sentences_of(load_playbook(file))
        return Answer(data=sentences, tell=lambda console: console.print("\n".join(sentences)))

    reply("playbook.explain/1", as_json, work)


@app.command()
def show(file: File = Path("playbook.toml"), as_json: AsJson = False) -> None:
    """Show a playbook as it is understood, defaults written out."""

    def work() -> Answer:
        from perpbook.playbook.load import load_playbook
        from perpbook.playbook.write import as_toml

        found = load_playbook(file)
        return Answer(data=found.model_dump(exclude_none=True), tell=lambda console: console.print(as_toml(found)))

    reply("playbook.show/1", as_json, work)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The older playbook.")],
    after: Annotated[Path, typer.Argument(help="The newer playbook.")],
    as_json: AsJson = False,
) -> None:
    """Say what changed in meaning between two playbooks."""

    def work() -> Answer:
        from perpbook.playbook.diff import diff as changes_between
        from perpbook.playbook.load import load_playbook

        changes = changes_between(load_playbook(before), load_playbook(after))
        sentences = [change.sentence for change in changes] or ["They mean the same."]
        return Answer(data=changes, tell=lambda console: console.print("\n".join(sentences)))

    reply("playbook.diff/1", as_json, work)


@app.command(context_settings={"ignore_unknown_options": True})
def edit(
    file: File,
    key: Annotated[str, typer.Argument(help="Dotted key, like leverage.asset.BTC.")],
    value: Annotated[str, typer.Argument(help='New value as TOML; "unset" removes the key.')],
    as_json: AsJson = False,
) -> None:
    """Change one value; comments and layout survive, and a change that breaks the playbook is refused."""

    def work() -> Answer:
        from perpbook.runs.edit import edit_playbook

        changes = edit_playbook(file, key, value)
        sentences = [change.sentence for change in changes] or ["Nothing changed in meaning."]
        return Answer(data=changes, tell=lambda console: console.print("\n".join(sentences)))

    reply("playbook.edit/1", as_json, work)


@app.command()
def schema() -> None:
    """Print the JSON Schema of playbooks, for editors."""
    import json

    from perpbook.playbook.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))
