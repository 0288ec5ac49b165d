"""Run every golden case file of a folder: `python -m tests.golden DIR`.

Exit 0 when every reproducible case is met, 1 on any mismatch or unreadable file, 2 when there is nothing to run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.golden.cases import CaseFileError, GoldenCase, read_cases
from tests.golden.runner import Tally, load_adapters, run_cases


def main(arguments: list[str]) -> int:
    """The command: prints the tally of DIR's case files and returns the exit code."""
    if len(arguments) != 1:
        return _nothing("name one folder of case files: python -m tests.golden DIR")
    folder = Path(arguments[0])
    if not folder.is_dir():
        return _nothing(f"{folder} is not a folder; name one that holds *.json case files")
    files = sorted(folder.glob("*.json"))
    if not files:
        return _nothing(f"{folder} holds no *.json case file")
    cases, errors = _read_all(files)
    if not cases and not errors:
        return _nothing(f"the case files of {folder} hold no case")
    errors.extend(load_adapters())
    tally = run_cases(cases)
    print_tally(tally)
    for error in errors:
        print(f"error: {error}")
    return 1 if errors or tally.mismatches else 0


def print_tally(tally: Tally) -> None:
    """Mismatches first, then what is not counted, then the figures by venue."""
    for line in tally.mismatches:
        print(f"mismatch: {line}")
    for line in tally.puzzles:
        print(f"open puzzle, not counted: {line}")
    for name, count in sorted(tally.skipped.items()):
        print(f"skipped, no adapter: {name} ({count} cases)")
    for venue, count in sorted(tally.cases.items()):
        print(f"{venue}: {tally.reproduced[venue]} of {count} reproduced")
    print(f"all: {tally.reproduced.total()} of {tally.cases.total()} reproduced")


def _read_all(files: list[Path]) -> tuple[list[GoldenCase], list[str]]:
    cases: list[GoldenCase] = []
    errors: list[str] = []
    for file in files:
        try:
            cases.extend(read_cases(file))
        except CaseFileError as problem:
            errors.append(str(problem))
    return cases, errors


def _nothing(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
