"""Many seeds on all cores: what went wrong on purpose, what came of it, and the command that replays each law broken."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.crash import CrashAt
from tests.simulation.play import Outcome, play, sweep

CHUNK = 20


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every law held."""
    given = _parser().parse_args(arguments)
    first, _, last = given.seeds.partition(":")
    seeds = range(int(first), int(last) if last else int(first) + 1)
    began, cpu = time.monotonic(), time.process_time()
    counts, outcomes, broken = Counter[str](), 0, 0
    for outcome in _outcomes(seeds, given):
        counts += outcome.counts
        outcomes += 1
        if outcome.broken:
            broken += 1
            print(f"{outcome.broken}\n    {outcome.command}", flush=True)
        if outcomes % 500 == 0:
            took = time.monotonic() - began
            print(
                f"{outcomes} runs, to seed {outcome.seed}, in {took:.0f} s; {broken} broke a law",
                file=sys.stderr,
                flush=True,
            )
    took = time.monotonic() - began
    each = 1_000.0 * (time.process_time() - cpu) / max(1, outcomes)
    _report(counts, given.json)
    print(f"{outcomes} runs in {took:.1f} s, {outcomes / took:.1f} a second; {broken} broke a law", file=sys.stderr)
    if given.jobs == 1:
        print(f"{each:.1f} ms of CPU each", file=sys.stderr)
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:100", help="one seed, or FIRST:END")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--crash", default="", help="crash after this write; with + behind, after the next effect, too")
    parser.add_argument("--sweep", action="store_true", help="crash at every write of each seed, one run for each")
    parser.add_argument("--trace", action="store_true", help="print everything one seed's guard writes and sends")
    parser.add_argument("--json", action="store_true", help="counts as JSON")
    return parser


def _outcomes(seeds: range, given: argparse.Namespace) -> Iterator[Outcome]:
    crash = CrashAt(write=int(given.crash.rstrip("+")), late=given.crash.endswith("+")) if given.crash else None
    if given.trace or crash or given.jobs == 1 or (len(seeds) == 1 and not given.sweep):
        for seed in seeds:
            yield from sweep(seed) if given.sweep else [play(seed, crash, trace=given.trace)]
        return
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), 1 if given.sweep else CHUNK)]
    if given.sweep:
        chunks = [seeds[at : at + 1] for at in range(len(seeds))]
    with ProcessPoolExecutor(given.jobs) as pool:
        for done in pool.map(_swept if given.sweep else _played, chunks):
            yield from done


def _played(seeds: Iterable[int]) -> list[Outcome]:
    gc.disable()
    done = [play(seed) for seed in seeds]
    gc.collect()
    return done


def _swept(seeds: Iterable[int]) -> list[Outcome]:
    return [outcome for seed in seeds for outcome in sweep(seed)]


def _report(counts: Counter[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(dict(sorted(counts.items())), indent=1))
        return
    for what, number in sorted(counts.items()):
        print(f"{number:>10,}  {what}")


if __name__ == "__main__":
    sys.exit(main())
