"""`perpbook drill schedule` and `perpbook drill report`: drills done in their time, kept, compared, and read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli import backtest as shared
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.runs.drill_schedule import ScheduleResult


def schedule(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook with [drill]; the one beside the book when there is one.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Drill even when nothing is due.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only tell the last drill and when the next is due.")
    ] = False,
    crontab: Annotated[
        bool, typer.Option("--crontab", help="Print the lines for `crontab -e`, and do nothing.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed every time compares like with like.")] = 1,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="Draw from simulated history: a trial without any data.")
    ] = False,
    threads: Annotated[int, typer.Option("--threads", help="Threads; they change no figure.", min=1, max=256)] = 2,
    as_json: AsJson = False,
) -> None:
    """Drill the book when its playbook says it is time: storms and futures, kept, and compared with the last drill.

    Exit codes: 0 done or not due, 10 a result is beyond the playbook's limits or no drill is young enough, 3 a file is wrong,
    20 history is missing.
    """
    given = locals()
    reply("drill-schedule/1", as_json, lambda: scheduled(given))


def scheduled(given: dict[str, Any]) -> Answer:
    """A schedule as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.kernels import jit
    from perpbook.report.progress import progress
    from perpbook.runs.drill_asked import scheduled_from
    from perpbook.runs.drill_schedule import crontab_lines, run_schedule
    from perpbook.runs.drill_wanted import asked_drills

    one = scheduled_from(given)
    if given["crontab"]:
        from perpbook.playbook.load import load_playbook

        lines = crontab_lines(one, asked_drills(load_playbook(one.playbook), one.playbook), options_of(given))
        return Answer(data={"lines": lines}, tell=lambda console: print("\n".join(lines)))
    if given["status"]:
        jit.prefer_plain()
    with progress("Drill", quiet=given["as_json"]) as tell:
        found = run_schedule(one, now_ns(), run=not given["status"], tell=tell)
    return answer_of_schedule(found, asked_only=given["status"])


def options_of(given: dict[str, Any]) -> list[str]:
    """The command's options as words, for a line that runs it again."""
    words: list[str] = []
    for name, option in (("start", "--from"), ("end", "--to")):
        words += [option, str(given[name])] if given[name] else []
    for name, option in (("proxies", "--proxy"), ("funding", "--funding")):
        for value in given[name] or ():
            words += [option, value]
    words += ["--lake", str(given["lake"].resolve())] if given["lake"] else []
    words += ["--made-up"] if given["made_up"] else []
    words += ["--seed", str(given["seed"])] if given["seed"] != 1 else []
    return [*words, *(["--threads", str(given["threads"])] if given["threads"] != 2 else [])]


def answer_of_schedule(found: ScheduleResult, *, asked_only: bool) -> Answer:
    """Its data, its words, its exit code."""
    from perpbook.model.verdict import Status
    from perpbook.report.drill_history import storm_changes, tell_ran
    from perpbook.report.text import tell_drill_standing, tell_findings

    def tell(console: Console) -> None:
        if found.ran is not None:
            tell_ran(console, found.ran, found.before, found.judged)
        elif not asked_only:
            console.print("Nothing is due; --now drills all the same.")
        tell_drill_standing(console, found.standing)
        tell_findings(console, found.findings, every=True)

    changes = storm_changes(found.ran, found.before, found.judged) if found.ran else ()
    return Answer(
        data={"ran": found.ran, "storms": changes, "standing": found.standing, "findings": found.findings},
        tell=tell,
        exit_code=BREACH if found.standing.status is Status.BREACH else OK,
    )


def report(
    where: Annotated[Path, typer.Argument(help="Folder of a kept drill; with --history the book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="With --history: the playbook whose limits light the lamps.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="All drills of a book that were done on schedule.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a kept drill again without running anything, or with --history every drill of a book with its traffic light."""

    def again() -> Answer:
        from perpbook.report.drill_document import drill_document
        from perpbook.report.drill_text import tell_drill
        from perpbook.runs.drill_keep import read_drill
        from perpbook.runs.drill_page import write_drill

        found = read_drill(where)
        if html is not None:
            write_drill(found, html)
        return Answer(data=drill_document(found), tell=lambda console: tell_drill(console, found))

    def past() -> Answer:
        from perpbook.report.drill_history import history_data, tell_history
        from perpbook.runs.drill_past import history_of
        from perpbook.runs.places import drills_folder

        judged, rows = history_of(where, playbook, drills_folder())
        return Answer(data=history_data(rows, judged), tell=lambda console: tell_history(console, rows, judged))

    reply("drill-history/1" if history else "drill/1", as_json, past if history else again)
