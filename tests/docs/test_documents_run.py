"""What the documents show is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "docs/allocation.md",
        "docs/treasury.md",
        "docs/treasury-facts.md",
        "docs/treasury-state.md",
        "docs/treasury-plan.md",
        "docs/guard-alerts.md",
    ],
)
def test_every_command_of_a_document_prints_what_it_shows(document: str, tmp_path: Path) -> None:
    shown = sessions(document)
    assert shown
    for command, lines in shown:
        words = shlex.split(command)
        assert words[0] == "perpbook"
        run = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode in (0, 10), run.stderr
        printed = [line.rstrip() for line in run.stdout.splitlines()]
        assert [line for line in lines if line.rstrip() not in printed] == [], run.stdout


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
