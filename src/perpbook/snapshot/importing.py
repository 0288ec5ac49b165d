"""Venues' own answers, saved as files, become a `Snapshot`: recognised, converted to a native book, checked as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from perpbook.errors import Problem
from perpbook.model.market import Snapshot
from perpbook.snapshot.answer import Answer
from perpbook.snapshot.draft import Draft
from perpbook.snapshot.issues import Report, nearest, refuse
from perpbook.snapshot.load import file_time, load_market, load_snapshot, override
from perpbook.snapshot.native import Reading, read_document
from perpbook.snapshot.parse import kind_of, parse_json, parse_toml, text_of
from perpbook.snapshot.recognise import VENUE_FORMATS, Document, recognise, venue_error

FORMATS = (*VENUE_FORMATS, "csv")
"""What can be imported; ccxt's answers do not name their exchange, so "ccxt:VENUE" does."""


def import_snapshot(
    path: Path,
    *,
    format: str | None = None,
    account: str | None = None,
    now_ns: int | None = None,
    extra: Sequence[Path] = (),
    terms_folders: Sequence[Path] = (),
) -> Snapshot:
    """The book in a venue's own answer, saved as a file.

    `format` is one of `FORMATS`, or "ccxt:VENUE"; None has it recognised, and refused when that is unsure. `account`
    names the account. `extra` are further answers of the same venue (balances beside positions), and native files whose
    prices win. An answer that does not say when it was given is taken to be as old as its file.

    Raises
    ------
    BookError : with every Problem of the files.
    """
    reading = Reading(now_ns=now_ns, terms_folders=terms_folders)
    refuse(_check_format(format, path), "the import")
    documents, natives, problems = _open(path, format, extra)
    refuse(problems, "the import")
    if documents:
        name, problems = recognise(documents, format)
        refuse(problems, "the import")
        snapshot = _convert(documents, name, account, reading)
    else:
        refuse(_check_names(account, path), "the import")
        snapshot = load_snapshot(path, now_ns=now_ns, terms_folders=terms_folders)
    for native in natives:
        prices = load_market(native, reading, problems)
        if prices is not None:
            snapshot = replace(snapshot, market=override(snapshot.market, prices))
    refuse(problems, "the import")
    return snapshot


def from_answers(found: Sequence[Any], format: str, account: str, now_ns: int) -> Snapshot:
    """The book in a venue's own answers, as they came over the wire; errors as `import_snapshot`. now_ns : when they were asked
    for, and so how old they may be where they do not say."""
    documents = [
        Document(path=Path(f"{format} answer {number}"), found=one) for number, one in enumerate(found, start=1)
    ]
    refuse([problem for problem in map(venue_error, documents) if problem], "the answer")
    return _convert(documents, format, account, Reading(now_ns=now_ns), now_ns)


def _check_format(format: str | None, path: Path) -> list[Problem]:
    if format is None or format in FORMATS or format.startswith("ccxt:"):
        return []
    message = f'"{format}" is not a format that can be imported'
    return [Problem(file=str(path), message=message, hint=nearest(format, FORMATS))]


def _check_names(account: str | None, path: Path) -> list[Problem]:
    """A book or a sheet names its accounts itself."""
    if account is None:
        return []
    message = f'names its accounts itself, so "{account}" would name none of them'
    return [Problem(file=str(path), message=message, hint="leave the account name out, or change it in the file")]


def _open(path: Path, format: str | None, extra: Sequence[Path]) -> tuple[list[Document], list[Path], list[Problem]]:
    """The venue's answers, the native files beside them, and what is wrong. No answers: `path` is itself a book."""
    documents: list[Document] = []
    natives: list[Path] = []
    problems: list[Problem] = []
    for number, one in enumerate((path, *extra)):
        found = _parse(one, sheet=format == "csv" and number == 0)
        if isinstance(found, Problem):
            problems.append(found)
        elif found is not None:
            documents.append(Document(path=one, found=found))
        elif number > 0:
            natives.append(one)
        elif format not in (None, "csv"):
            hint = f"leave the format out, or name a file with an answer of {format}"
            problems.append(Problem(file=str(one), message="is a book or a sheet, not a venue's answer", hint=hint))
    if documents and documents[0].path != path and not problems:
        hint = "import the venue's answers, and name the book among the extra files for its prices"
        problems.append(
            Problem(file=str(path), message="is a book; the files beside it are venues' answers", hint=hint)
        )
    problems += [problem for problem in map(venue_error, documents) if problem]
    return documents, natives, problems


def _parse(path: Path, *, sheet: bool) -> Any:
    """A venue's answer; None for a native file or a sheet; a Problem when it cannot be read."""
    text = text_of(path)
    if isinstance(text, Problem) or sheet:
        return text if isinstance(text, Problem) else None
    kind = kind_of(path, text)
    if kind == "csv":
        return None
    found = parse_json(text, str(path)) if kind == "json" else parse_toml(text, str(path))
    native = kind == "toml" or (isinstance(found, dict) and "schema" in found)
    if native and not isinstance(found, Problem):
        return None
    hint = "an empty answer is not a flat book: save the venue's answer again, whole"
    empty = Problem(file=str(path), message="holds nothing", hint=hint)
    return empty if found is None else found


def _convert(
    documents: Sequence[Document], name: str, account: str | None, reading: Reading, asked_ns: int | None = None
) -> Snapshot:
    format, _, exchange = name.partition(":")
    draft = Draft(exchange=exchange or None)
    answers = [Answer(one.found, (), Report(file=str(one.path))) for one in documents]
    module = import_module(f"perpbook.snapshot.{format}")
    module.read(answers, draft, account or exchange or format)
    refuse([problem for answer in answers for problem in answer.report.problems()], "the import")
    path = documents[0].path
    as_of = min(draft.times_ns) if draft.times_ns else asked_ns or file_time(path, reading.now_ns)
    report = Report(file=str(path), origins=draft.origins)
    snapshot = read_document(draft.document(as_of, f"{format}: {path.name}"), report, reading)
    refuse(report.problems(), "the import")
    assert snapshot is not None, "a document without problems is a snapshot"
    return snapshot
