"""Laws of playbooks as text: what is written loads back, what is broken gives problems, an edit keeps every comment."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import PlaybookError
from perpbook.playbook.diff import diff
from perpbook.playbook.edit import edit, unset
from perpbook.playbook.explain import explain
from perpbook.playbook.keys import dotted, split_key
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.outline import outline
from perpbook.playbook.schema import Playbook
from perpbook.playbook.write import as_toml
from tests.playbooks import NAMES, playbooks

ROOT = Path(__file__).parents[2]
EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src/perpbook/examples").rglob("*ive.toml"))]
LAW = settings(deadline=None, max_examples=60)
SCRAPS = st.sampled_from(
    [
        "[",
        "]",
        "[[",
        "{",
        '"',
        "'''",
        "=",
        "nan",
        "-inf",
        "1e999",
        "true",
        "\x00",
        "\r",
        "é",
        "#",
        "\n",
        "[survival]",
        "=[[",
    ]
)
EDITS = {
    "near": "0.7",
    "name": "renamed",
    "leverage.asset.BTC": "2.5",
    'leverage.asset."A.B"': "4",
    "leverage.book.net": "1.25",
    "survival.moves": "[0.02, 0.07]",
    "survival.buffer": "0.5",
    "guardrails.position_loss": "0.04",
    "venues.shares.dydx": "0.3",
    "capital.sleeves[0].tags": '["one", "two"]',
}


@LAW
@given(playbooks())
def test_what_is_written_loads_back_equal(playbook: Playbook) -> None:
    assert parse_playbook(as_toml(playbook), "p.toml") == playbook


@LAW
@given(playbooks())
def test_a_playbook_does_not_differ_from_itself_written_out(playbook: Playbook) -> None:
    assert diff(playbook, parse_playbook(as_toml(playbook), "p.toml")) == ()


@LAW
@given(playbooks(), playbooks())
def test_a_change_turned_round_is_the_other_way(before: Playbook, after: Playbook) -> None:
    there, back = diff(before, after), diff(after, before)
    assert sorted(change.key for change in there if change.stricter is None) == sorted(
        change.key for change in back if change.stricter is None
    )
    tighter = [change.key for change in there if change.stricter]
    assert sorted(tighter) == sorted(change.key for change in back if change.stricter is False)


@LAW
@given(playbooks())
def test_every_playbook_is_told_in_whole_sentences(playbook: Playbook) -> None:
    sentences = explain(playbook)
    assert sentences
    assert all(one.endswith(".") and one[0].isupper() for one in sentences)


@LAW
@given(st.data())
def test_a_corrupted_text_is_a_playbook_or_problems(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(EXAMPLES))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(SCRAPS | st.text(max_size=4)) + text[end:]
    _loads_or_tells(text)


@LAW
@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_is_a_playbook_or_problems(text: str) -> None:
    _loads_or_tells(text)
    _loads_or_tells(f"schema_version = 1\n{text}")


def _loads_or_tells(text: str) -> None:
    try:
        assert isinstance(parse_playbook(text, "p.toml"), Playbook)
    except PlaybookError as error:
        assert error.problems
        assert all(problem.message and problem.file == "p.toml" for problem in error.problems)


@LAW
@given(st.data())
def test_an_edit_keeps_every_comment_and_every_other_value(data: st.DataObject) -> None:
    text = _commented(data.draw(st.sampled_from(EXAMPLES)), data)
    key = data.draw(st.sampled_from(sorted(EDITS)))
    if key.startswith("capital") and "capital.sleeves" not in text:
        return
    changed = edit(text, key, EDITS[key], file="p.toml")
    assert sorted(_comments(changed)) == sorted(_comments(text))
    assert edit(changed, key, EDITS[key], file="p.toml") == changed
    keys = {change.key for change in diff(parse_playbook(text, "p.toml"), parse_playbook(changed, "p.toml"))}
    section = key.split(".")[0].split("[")[0]
    assert all(one.split(".")[0] == section for one in keys)


@LAW
@given(NAMES)
def test_any_name_can_be_a_key(name: str) -> None:
    path = ("leverage", "asset", name)
    assert split_key(dotted(path)) == path
    found = parse_playbook(edit("schema_version = 1\n", dotted(path), "2", file="p.toml"), "p.toml")
    assert found.leverage
    assert found.leverage.asset == {name: 2.0}


@LAW
@given(st.data())
def test_what_an_edit_added_unset_removes(data: st.DataObject) -> None:
    text = _commented(data.draw(st.sampled_from(EXAMPLES)), data)
    key, value = data.draw(st.sampled_from([("venues.shares.gmx", "0.1"), ('leverage.asset."A.B"', "4")]))
    back = unset(edit(text, key, value, file="p.toml"), key, file="p.toml")
    assert diff(parse_playbook(text, "p.toml"), parse_playbook(back, "p.toml")) == ()
    assert sorted(_comments(back)) == sorted(_comments(text))


@LAW
@given(st.sampled_from(EXAMPLES), st.text(max_size=20), st.text(max_size=20) | st.sampled_from(sorted(EDITS.values())))
def test_an_edit_changes_the_text_to_a_playbook_or_refuses(text: str, key: str, value: str) -> None:
    for one in (key, "name", "near", f"leverage.asset.{key}"):
        try:
            changed = edit(text, one, value, file="p.toml")
        except PlaybookError as error:
            assert error.problems
        else:
            parse_playbook(changed, "p.toml")


def _commented(text: str, data: st.DataObject) -> str:
    """The text with comments in drawn places: on lines of their own, and behind values."""
    given, lines = text.splitlines(), list[str]()
    places = data.draw(st.integers(0, 3 ** len(given) - 1))  # one draw: one for each line costs more than the edit
    for number, line in enumerate(given):
        places, place = divmod(places, 3)
        mark = ("", "above", "behind")[place]
        lines += [f"# above {number}", line] if mark == "above" else [line]
        if mark == "behind" and "#" not in line:
            lines[-1] += f"  # behind {number}"
    return "\n".join(lines) + data.draw(st.sampled_from(["", "\n", "\n# end\n"]))


def _comments(text: str) -> list[str]:
    """Every comment of a text whose strings hold no "#"."""
    assert outline(text)
    return [line[line.index("#") :].rstrip() for line in text.splitlines() if "#" in line]
