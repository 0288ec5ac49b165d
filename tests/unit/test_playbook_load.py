"""What a playbook that does not load says: every problem, where it stands, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from perpbook.errors import PlaybookError, Problem
from perpbook.playbook.load import default_playbook, load_playbook, parse_playbook
from perpbook.playbook.schema import Capital, Leverage, Playbook
from perpbook.playbook.write import as_toml


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(text, "p.toml")
    return caught.value.problems


def only(text: str) -> Problem:
    (problem,) = problems_of(f"schema_version = 1\n{text}")
    return problem


def test_an_unknown_key_has_its_place_and_the_nearest_known_one() -> None:
    problem = only("\n[survival]\nmovs = [0.05]")
    assert (problem.line, problem.column, problem.key) == (4, 1, "survival.movs")
    assert problem.hint == 'did you mean "moves"?'
    assert str(problem).startswith("p.toml:4:1: survival.movs: is not a key of the playbook")


def test_an_unknown_key_like_no_other_lists_what_is_known_there() -> None:
    assert only("[liquidity]\nzzz = 1").hint == "known here: max_depth_share, max_exit_minutes, spread_alert"


@pytest.mark.parametrize(
    ("text", "message", "value"),
    [
        ('near = "0.8"', "should be a number", "'0.8'"),
        ("name = 7", "should be text", "7"),
        ("near = true", "should be a number", "true"),
        ("survival.moves = 0.1", "should be a list", "0.1"),
        ("survival.moves = []", "should not be empty", "[]"),
        ("survival = 3", "should be a table", None),
        ("name = ''", "should not be empty", "''"),
        ("near = nan", "should be a finite number", "nan"),
        ("leverage.book.gross = inf", "should be a finite number", "inf"),
        ("leverage.book.gross = 0", "should be greater than 0", "0"),
        ("guardrails.position_loss = -0.1", "should be greater than or equal to 0", "-0.1"),
        ("venues.shares.dydx = 1979-05-27", "should be a number", "1979-05-27"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_should_be(text: str, message: str, value: str | None) -> None:
    problem = only(text)
    assert (problem.message, problem.value, problem.line) == (message, value, 2)


@pytest.mark.parametrize("text", ["survival.moves = [5, 10]", "guardrails.position_loss = 3", "near = 80"])
def test_percent_is_told_from_fraction(text: str) -> None:
    problems = problems_of(f"schema_version = 1\n{text}")
    assert {problem.hint for problem in problems} == {"fractions are written 0.15, not 15"}


def test_an_element_of_a_list_has_its_own_column() -> None:
    problem = only("survival.moves = [0.05, 5]")
    assert (problem.key, problem.line, problem.column) == ("survival.moves[1]", 2, 25)


def test_a_mistyped_choice_is_guessed() -> None:
    assert only('survival.kinds = ["jiont"]').hint == 'did you mean "joint"?'


@pytest.mark.parametrize("version", ["2", '"1"', "1.0", "true"])
def test_only_the_whole_number_one_is_a_version(version: str) -> None:
    (problem,) = problems_of(f"schema_version = {version}")
    assert (problem.key, problem.hint) == ("schema_version", "write schema_version = 1 at the top")


def test_a_missing_version_is_asked_for() -> None:
    (problem,) = problems_of("")
    assert (problem.key, problem.message) == ("schema_version", "is missing")


def test_every_problem_is_told_in_the_order_of_the_file() -> None:
    problems = problems_of(
        "schema_version = 1\nnear = 2\n[data]\nage = 1\n[survival]\nmoves = [7]\n[liquidity]\nspread_alert = 2\n"
    )
    assert [(problem.key, problem.line) for problem in problems] == [
        ("near", 2),
        ("data.age", 4),
        ("survival.moves[0]", 6),
        ("liquidity.spread_alert", 8),
    ]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ("min = 0.5\nmax = 0.4", "min 0.5 is above max 0.4"),
        ("target = 0.5\nmax = 0.4", "target 0.5 is outside 0 to 0.4"),
        ("target = 0.1\nmin = 0.4", "target 0.1 is outside 0.4 to 1"),
    ],
)
def test_bounds_of_a_sleeve_out_of_order_are_refused(bounds: str, message: str) -> None:
    problem = only(f'[[capital.sleeves]]\nname = "a"\n{bounds}')
    assert (problem.message, problem.key) == (message, "capital.sleeves[0]")


def test_sleeves_share_no_name_and_no_more_than_everything() -> None:
    sleeve = '[[capital.sleeves]]\nname = "{}"\ntarget = 0.6\n'
    assert only(sleeve.format("a") + sleeve.format("a")).message == "two sleeves have one name"
    assert only(sleeve.format("a") + sleeve.format("b")).message == "the targets add up to more than 1"


def test_a_margin_mode_for_no_sleeve_is_refused_with_the_nearest() -> None:
    problem = only('[[capital.sleeves]]\nname = "core"\n[margin]\nisolated = ["cor"]')
    assert (problem.key, problem.line, problem.hint) == ("margin.isolated[0]", 5, 'did you mean "core"?')


def test_a_sleeve_is_not_both_isolated_and_cross() -> None:
    text = '[[capital.sleeves]]\nname = "core"\n[margin]\nisolated = ["core"]\ncross = ["core"]'
    assert only(text).message == '"core" is in both lists'


def test_broken_toml_is_one_problem_with_its_place() -> None:
    (problem,) = problems_of("schema_version = 1\n[survival\nmoves = [0.1]")
    assert (problem.line, problem.column) == (2, 10)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "a = " + "9" * 5000,
        "near = 0x" + "f" * 9000,
        ".".join("a" * 900) + " = 1",
        'name = "\udc80"',
        "leverage.asset.x = " + "[" * 200 + "]" * 200,
    ],
)
def test_what_breaks_parsers_is_a_problem_too(text: str) -> None:
    (problem,) = problems_of(f"schema_version = 1\n{text}")
    assert problem.message


def test_a_file_that_is_none_says_what_it_is(tmp_path: Path) -> None:
    missing, folder, latin = tmp_path / "no.toml", tmp_path, tmp_path / "latin.toml"
    latin.write_bytes(b'schema_version = 1\nname = "caf\xe9"\n')
    for path, said in ((missing, "there is no such file"), (folder, "is a folder"), (latin, "is not UTF-8 text")):
        with pytest.raises(PlaybookError) as caught:
            load_playbook(path)
        (problem,) = caught.value.problems
        assert said in problem.message
        assert (problem.file, bool(problem.hint)) == (str(path), True)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes('\ufeffschema_version = 1\nname = "é"\n'.encode())
    assert load_playbook(path).name == "é"


def test_an_empty_section_is_written_and_read_back() -> None:
    playbook = Playbook(schema_version=1, capital=Capital(sleeves=()), leverage=Leverage(asset={}))
    assert parse_playbook(as_toml(playbook), "p.toml") == playbook


def test_the_default_playbook_asks_for_survival_and_nothing_else() -> None:
    built = default_playbook().model_dump(exclude_none=True)
    assert set(built) == {"schema_version", "name", "near", "data", "survival"}
