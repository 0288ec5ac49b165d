"""A drill in parts is the drill in one: gone on with after a stop, read back without running, and bounded in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.drill import example
from perpbook.cli.main import app
from perpbook.engine.drill import Futures, run_drill
from perpbook.engine.parts import joined, run_part
from perpbook.errors import InputError
from perpbook.runs import drill_parts
from perpbook.runs.drill_memory import bytes_of, room_for
from perpbook.runs.drill_parts import Keeping, kept_part, plan_hash, run_in_parts

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"
WORDS = [str(DESK / "book.toml"), str(DESK / "conservative.toml"), "--made-up", "--paths", "7", "--horizon", "4h"]


def quiet(*_: object) -> None:
    """Tell nobody."""


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["drill", *words], catch_exceptions=False)
    return done.exit_code, done.output


def same(one: Futures, other: Futures) -> bool:
    names = ("figures", "died", "ends", "fan", "rules")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_range_of_numbers_is_that_part_of_the_whole() -> None:
    drill = example(6, steps=4)
    whole, part = run_drill(drill, threads=1), run_drill(replace(drill, first=2, paths=3), threads=1)
    assert np.array_equal(whole.figures[2:5], part.figures) and np.array_equal(whole.died[2:5], part.died)


def test_parts_joined_are_the_drill_in_one() -> None:
    drill = example(6, steps=4)
    whole = run_part(drill, (0, 6), threads=1, tell=quiet)
    parts = joined([run_part(drill, span, threads=1, tell=quiet) for span in ((0, 1), (1, 4), (4, 6))])
    assert whole.under is not None and parts.under is not None and same(whole.under, parts.under)
    assert same(whole.without, parts.without) and np.array_equal(whole.scales, parts.scales)


def test_a_drill_that_was_broken_off_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_parts, "SMALLEST", 2)
    drill, keeping = example(6, steps=4), Keeping(folder=tmp_path / "kept", resume=True)
    room, done = room_for(drill, threads=1), []

    def stop(name: str, number: int, total: int) -> None:
        done.append(number)
        if number > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_parts(drill, room, stop, threads=1, keeping=keeping)
    names = [account.id for account in drill.journey.book.accounts]
    assert kept_part(keeping.folder, (0, 2), names) is not None and kept_part(keeping.folder, (2, 4), names) is None
    again: list[int] = []
    found = run_in_parts(drill, room, lambda name, number, total: again.append(number), threads=1, keeping=keeping)
    whole = run_in_parts(drill, room, quiet, threads=1)
    assert found.under is not None and whole.under is not None and same(found.under, whole.under)
    assert same(found.without, whole.without) and np.array_equal(found.scales, whole.scales) and min(again) > 4


def test_a_folder_of_another_drill_is_refused_by_what_decides_it(tmp_path: Path) -> None:
    drill, keeping = example(4, steps=3), Keeping(folder=tmp_path, resume=True)
    room = room_for(drill, threads=1)
    run_in_parts(drill, room, quiet, threads=1, keeping=keeping)
    for other in (
        replace(drill, seed=5),
        replace(drill, paths=5),
        replace(drill, journey=replace(drill.journey, playbook=None)),
    ):
        with pytest.raises(InputError, match="another drill"):
            run_in_parts(other, room, quiet, threads=1, keeping=keeping)
    with pytest.raises(InputError, match="--resume"):
        run_in_parts(drill, room, quiet, threads=1, keeping=replace(keeping, resume=False))
    assert plan_hash(drill) == plan_hash(example(4, steps=3))


def test_a_kept_drill_is_told_and_drawn_again_word_for_word(tmp_path: Path) -> None:
    kept, pages = tmp_path / "kept", [tmp_path / "one.html", tmp_path / "two.html"]
    code, first = said("run", *WORDS, "--json", "--save", str(kept), "--html", str(pages[0]))
    assert code == 0 and not (kept / "parts").exists()
    assert said("report", str(kept), "--json", "--html", str(pages[1])) == (0, first)
    assert pages[0].read_text(encoding="utf-8") == pages[1].read_text(encoding="utf-8")
    assert said("run", *WORDS, "--json", "--save", str(kept), "--resume") == (0, first)
    code, text = said("run", *WORDS, "--seed", "2", "--save", str(kept), "--resume")
    assert code == 3 and "another drill" in " ".join(text.split())
    (kept / "kept.json").write_text(json.dumps({"schema": "drill-kept/9"}), encoding="utf-8")
    code, text = said("report", str(kept))
    assert code == 3 and "run the drill again" in " ".join(text.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--resume"], "--save"),
        (["--max-mem", "plenty"], "no amount of memory"),
        (["--max-mem", "10MB"], "fewer --threads"),
        (["--max-mem", "400MB", "--paths", "100000000"], "--paths at most"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_begins(words: list[str], told: str) -> None:
    code, text = said("run", *WORDS, *words)
    assert code == 3 and told in " ".join(text.split())


def test_memory_is_bounded_by_results_and_more_is_never_a_smaller_chunk() -> None:
    drill = example(1000, steps=4)
    sizes = [bytes_of(word) for word in ("330MB", "500 MB", "2GB", "1.5TiB")]
    rooms = [room_for(drill, threads=1, most=size) for size in sizes]
    assert [one.chunk for one in rooms] == sorted(one.chunk for one in rooms)
    assert all(one.estimate <= size for one, size in zip(rooms, sizes, strict=True))
    assert bytes_of("2gb") == 2 * 2**30
