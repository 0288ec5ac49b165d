"""What the documents show is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def sessions(name: str) -> list[tuple[str, list[str]]]:
    """(command, lines it must print) of every `$` line of a document's console blocks."""
    out: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall((ROOT / name).read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                out.append((line[2:], []))
            elif line.strip():
                out[-1][1].append(line)
    return out


def lacking(lines: list[str], printed: str) -> list[str]:
    """What a document shows and the program does not print."""
    found = [line.rstrip() for line in printed.splitlines()]
    return [line for line in lines if line.rstrip() not in found]


def test_a_reader_who_types_the_first_commands_sees_what_is_shown(tmp_path: Path) -> None:
    """Each in a process of its own; the others of every page run in this one."""
    for command, lines in sessions("README.md")[:2]:
        run = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert run.returncode in (0, 10), run.stderr
        assert lacking(lines, run.stdout) == [], run.stdout


PAGES = (
    "README",
    "docs/allocation",
    "docs/treasury",
    "docs/treasury-facts",
    "docs/treasury-state",
    "docs/treasury-plan",
    "docs/treasury-audit",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_prints_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    shown = sessions(f"{page}.md")
    assert shown
    for command, lines in shown:
        words = shlex.split(command)
        assert words[0] == "perpbook"
        done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert done.exit_code in (0, 10), done.stderr
        assert lacking(lines, done.stdout) == [], done.stdout


def test_the_example_book_of_the_documents_loads(tmp_path: Path) -> None:
    from perpbook.snapshot import load_snapshot

    block = re.search(r"```toml\n(.*?)```", (ROOT / "docs/books.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block
    path = tmp_path / "book.toml"
    path.write_text(block[1], encoding="utf-8")
    found = load_snapshot(path)
    assert found.book.accounts[0].positions[0].quantity == 0.5
    assert found.book.transfers[0].amount == 5000.0


def test_the_reference_is_what_the_program_says() -> None:
    from perpbook.cli.reference import reference

    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_the_python_example_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "check_a_book.py"
    run = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("prices are examples") and run.stdout.count("trims cost") == 4
