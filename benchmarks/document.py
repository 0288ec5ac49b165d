"""The one JSON document every benchmark prints."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any


def seconds(run: Callable[[], object], *, repeat: int = 7) -> list[float]:
    """Wall seconds of `repeat` runs after one that is not counted."""
    run()
    out = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        out.append(time.perf_counter() - start)
    return out


def paired(
    first: Callable[[], object], second: Callable[[], object], *, repeat: int = 7
) -> tuple[list[float], list[float]]:
    """Both timed in turn, so that a machine that changes speed changes it for both."""
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for run, into in ((first, times[0]), (second, times[1])):
            start = time.perf_counter()
            run()
            into.append(time.perf_counter() - start)
    return times


def machine() -> dict[str, Any]:
    """What this was measured on."""
    with open("/proc/cpuinfo") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.processor(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def publish(document: dict[str, Any], packages: tuple[str, ...]) -> None:
    """Print the document: as JSON with --json, else as one line a human reads."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="one JSON document")
    document = document | {
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }
    if parser.parse_args().json:
        print(json.dumps(document))
        return
    floor = document["floor"]
    beside = f"; floor {floor['name']} {floor['value']:.4g}" if floor else ""
    print(
        f"{document['name']}: {document['value']:.4g} {document['unit']}, {document['ratio']:.3g} x "
        f"{document['baseline']['name']} ({document['baseline']['value']:.4g}){beside}"
    )


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)
