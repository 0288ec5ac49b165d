"""`perpbook treasury health`: are the layers alive, are their batches posted, are their ways out open, can one see them?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, NEAR, OK, Answer, AsJson, reply

UNKNOWN = 20


def health(
    layers: Annotated[list[str] | None, typer.Argument(help="Layers; every one with providers when left out.")] = None,
    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", help="arbitrum=https://host/path: whom to ask; repeatable, two or more for each layer."),
    ] = None,
    providers: Annotated[
        Path | None, typer.Option("--providers", help="health.toml: providers, accounts and contracts by layer.")
    ] = None,
    pages: Annotated[bool, typer.Option("--pages", help="Read the status pages that are known as well.")] = False,
    memory: Annotated[
        Path | None, typer.Option("--memory", help="Where looks are remembered; health.json in the home folder.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Remember nothing, before or after.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that a provider has for an answer.")] = 5.0,
    watch: Annotated[float | None, typer.Option("--watch", help="Look again after so many seconds.")] = None,
    times: Annotated[
        int | None, typer.Option("--times", help="How many looks --watch takes; left out: until stopped.")
    ] = None,
    last: Annotated[
        float | None,
        typer.Option("--last", help="Ask nobody: tell the last look; what is older than so many seconds is not known."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 11 when a clock is degraded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask layers' nodes how they are: age of the newest block, batches, exits, access; two providers or more must agree.

    Only reads. Addresses may hold keys and are never shown beyond their host; ${NAME} in them is taken from the environment.
    Exit codes: 0 all well, 11 degraded (with --strict), 10 halted, rolled back or recovering, 20 not known, 3 an option or a
    file is wrong.
    """
    given = locals()
    monitor: list[Any] = []
    looks = 0
    try:
        while True:
            looks += 1
            try:
                reply("treasury.health/1", as_json, lambda: looked(given, monitor))
            except typer.Exit:
                if watch is None or looks == times or not monitor:
                    raise
            from perpbook.engine.clock import sleep

            sleep(watch or 0.0)
    finally:
        for one in monitor:
            one.close()


def looked(given: dict[str, Any], kept: list[Any]) -> Answer:
    """One look as an answer; the monitor is made at the first and kept in a list."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.treasury_health_text import health_document, tell_health
    from perpbook.runs.treasury_health import Asked, last_look, memory_file, monitor_of

    refuse(given)
    asked = Asked(
        layers=tuple(given["layers"] or ()), rpc=tuple(given["rpc"] or ()), file=given["providers"], pages=given["pages"],
        memory=None if given["forget"] else given["memory"] or memory_file(), timeout_s=given["timeout"],
    )  # fmt: skip
    if given["last"] is not None:
        found = last_look(asked, now_ns(), given["last"])
    else:
        if not kept:
            kept.append(monitor_of(asked))
        found = kept[0].look(now_ns)
    return Answer(
        data=health_document(found),
        tell=lambda console: tell_health(console, found),
        exit_code=code_of([one.worst.value for one in found], strict=given["strict"]),
    )


def refuse(given: dict[str, Any]) -> None:
    """Complain of options that do not go together."""
    from perpbook.errors import InputError

    if given["watch"] is not None and not given["watch"] >= 1.0:
        raise InputError("--watch takes seconds, 1 or more")
    if given["times"] is not None and (given["watch"] is None or given["times"] < 1):
        raise InputError("--times says how many looks --watch takes: give both, and 1 or more")
    if given["last"] is None:
        return
    if not given["last"] > 0.0:
        raise InputError("--last takes seconds, more than 0")
    names = ("rpc", "providers", "pages", "forget", "watch")
    unused = [f"--{name}" for name in names if given[name] not in (None, False)]
    if unused:
        raise InputError(f"--last asks nobody: leave out {', '.join(unused)}")


def code_of(states: list[str], *, strict: bool) -> int:
    """The exit code of several layers: what is known to be wrong first, then what is not known."""
    if {"halted", "rolled back", "recovering"} & set(states):
        return BREACH
    if "unknown" in states:
        return UNKNOWN
    return NEAR if strict and "degraded" in states else OK
