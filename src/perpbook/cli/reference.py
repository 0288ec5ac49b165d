"""The command line's reference as Markdown, made from the program itself: `python -m perpbook.cli.reference [--check] FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer.main

from perpbook.cli.main import app

HEAD = """# The command line

Made by `make docs` from the program itself; do not edit.

Data goes to stdout, messages to stderr. `--json` prints one document, `{"schema", "ok", "data", "errors"}`, in which a
number that is infinite is "inf" and one that does not exist is null. `NO_COLOR` is respected, and output is plain when
it is not a terminal.

| exit code | meaning |
|---|---|
| 0 | all is well |
| 1 | a bug of ours |
| 2 | the command line was not understood |
| 3 | a playbook, book or terms file is wrong |
| 10 | a rule is broken, or a trade is refused |
| 11 | a rule is near its limit (`check --strict`) |
| 20 | a price is missing or too old |
| 21 | a venue could not be asked |
| 30 | refused: needs approval, or is not armed |
| 130 | interrupted |
"""


def reference() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_sections(root, "perpbook")]).rstrip() + "\n"


def _sections(command: Any, name: str) -> list[str]:
    inner: dict[str, Any] = getattr(command, "commands", {})
    if inner:
        return [line for word, one in inner.items() for line in _sections(one, f"{name} {word}")]
    out = [f"## `{name}`", "", _text(command.help), ""]
    rows = [
        _row(parameter)
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "hidden", False)
    ]
    if rows:
        out += ["| argument or option | default | what it does |", "|---|---|---|", *rows, ""]
    return out


def _text(help_text: str | None) -> str:
    return "\n".join(line.strip() for line in (help_text or "").strip().splitlines())


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    name = parameter.name.upper() if is_argument else ", ".join(parameter.opts)
    default = parameter.default
    shown = "" if default is None or default is False or callable(default) else f"`{default}`"
    if parameter.required:
        shown = "required"
    return f"| `{name}` | {shown} | {parameter.help or ''} |"


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether the file is what would be written."""
    path, text = Path(arguments[-1]), reference()
    if "--check" in arguments:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return 0
        print(f"{path} is not what the program says: run make docs", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
