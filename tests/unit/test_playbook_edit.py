"""One key changed in the text: what is set, where it goes, and what is refused."""

from __future__ import annotations

import tomllib

import pytest

from perpbook.errors import PlaybookError, Problem
from perpbook.playbook.edit import edit, unset

TEXT = """\
# my rules
schema_version = 1  # always

[leverage.asset] # caps
BTC = 3.0 # the big one

# what must be survived
[survival]
moves = [
  0.05, # small
  0.1,
]
# end of survival

[[capital.sleeves]]
name = "core"
  tags = ["x"]

[[capital.sleeves]]
name = "reserve"
"""
INLINE = """\
schema_version = 1
leverage.asset.BTC = 3
capital = { sleeves = [{ name = "core" }] }
venues = {}
layers = { shares = { base = 0.2, "arb one" = 0.3 } }
"""


def refusal(key: str, value: str, text: str = TEXT) -> Problem:
    with pytest.raises(PlaybookError) as caught:
        edit(text, key, value, file="p.toml")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("leverage.asset.BTC", "2.50", "BTC = 3.0 # the", "BTC = 2.50 # the"),
        ("leverage.asset.ETH", "2", "# the big one\n", "# the big one\nETH = 2\n"),
        ('leverage.asset."A.B"', "2", "# the big one\n", '# the big one\n"A.B" = 2\n'),
        ("leverage.asset.BTC/USD", "2", "# the big one\n", '# the big one\n"BTC/USD" = 2\n'),
        ("leverage.book.net", "1", "# the big one\n", "# the big one\n\n[leverage.book]\nnet = 1\n"),
        ("near", "0.9", "# always\n", "# always\nnear = 0.9\n"),
        ("name", "desk one", "# always\n", '# always\nname = "desk one"\n'),
        ("survival.moves[1]", "0.2", "  0.1,", "  0.2,"),
        ("survival.moves[1]", "unset", "  0.05, # small\n  0.1,", "  0.05,"),
        ("survival.buffer", "0.2 # note", "]\n# end", "]\nbuffer = 0.2\n# end"),
        ("capital.sleeves.core.target", "0.2", '["x"]\n', '["x"]\n  target = 0.2\n'),
        ("capital.sleeves[1].min", "0.2", '"reserve"\n', '"reserve"\nmin = 0.2\n'),
        ("capital.sleeves[2].name", "lab", '"reserve"\n', '"reserve"\n\n[[capital.sleeves]]\nname = "lab"\n'),
        ("venues.shares.dydx", "0.4", '"reserve"\n', '"reserve"\n\n[venues.shares]\ndydx = 0.4\n'),
        ("leverage.asset.BTC", "unset", "BTC = 3.0 # the big one\n", ""),
        ("capital.sleeves.core", "unset", '[[capital.sleeves]]\nname = "core"\n  tags = ["x"]\n\n', ""),
    ],
)
def test_only_what_was_asked_for_changes(key: str, value: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert edit(TEXT, key, value, file="p.toml") == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("leverage.asset.ETH", "2", "BTC = 3\n", "BTC = 3\nleverage.asset.ETH = 2\n"),
        ("leverage.book.net", "2", "BTC = 3\n", "BTC = 3\nleverage.book.net = 2\n"),
        ("capital.sleeves.core.min", "0.1", '"core" }', '"core", min = 0.1 }'),
        ("capital.sleeves[1].name", "lab", '"core" }]', '"core" }, { name = "lab" }]'),
        ("venues.max_share", "0.5", "venues = {}", "venues = { max_share = 0.5 }"),
        ("venues.shares.dydx", "0.5", "venues = {}", "venues = { shares.dydx = 0.5 }"),
        ("layers.shares.base", "0.5", "base = 0.2", "base = 0.5"),
        ("layers.shares.base", "unset", "base = 0.2, ", ""),
        ('layers.shares."arb one"', "unset", ', "arb one" = 0.3', ""),
        ("leverage", "unset", "leverage.asset.BTC = 3\n", ""),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_inline_tables_and_dotted_keys_are_kept_as_written(
    key: str, value: str, old: str, new: str, newline: str
) -> None:
    found = edit(INLINE.replace("\n", newline), key, value, file="p.toml")
    assert found == INLINE.replace(old, new).replace("\n", newline)


def test_comments_inside_a_replaced_list_move_above_it() -> None:
    found = edit(TEXT, "survival.moves", "[0.1, 0.2]", file="p.toml")
    assert "[survival]\n# small\nmoves = [0.1, 0.2]\n# end of survival\n" in found


def test_a_table_is_removed_whole_and_its_neighbours_stay() -> None:
    found = unset(TEXT, "survival", file="p.toml")
    assert set(tomllib.loads(found)) == {"schema_version", "leverage", "capital"}
    assert "# what must be survived" in found
    assert "\n\n\n" not in found


def test_quotes_make_text_of_the_word_unset() -> None:
    assert 'name = "unset"' in edit(TEXT, "name", '"unset"', file="p.toml")


def test_a_broken_playbook_can_be_mended() -> None:
    assert edit("near = 0.5\n", "schema_version", "1", file="p.toml") == "near = 0.5\nschema_version = 1\n"


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("levrage.asset.BTC", "2", '"levrage" is not a key of the playbook', 'did you mean "leverage"?'),
        ("survival.bufer", "2", '"bufer" is not a key of the playbook', 'did you mean "buffer"?'),
        ("near.x", "2", '"x" is not a key of the playbook', "known here: none"),
        ("capital.sleeves.cor.min", "0.1", 'there is no "cor" here', 'did you mean "core"?'),
        ("capital.sleeves[5].min", "0.1", "there is no number 5", "numbers run from 0 to 1"),
        ("capital.sleeves[2].min", "0.1", "there is no sleeve number 2", "set capital.sleeves[2].name first"),
        ("survival.moves[2]", "0.1", "there is no number 2", "numbers run from 0 to 1"),
        ("survival", "{ buffer = 0.1 }", "is a table, not one value", "survival.moves"),
        ("leverage.asset", "{ BTC = 1 }", "is a table, not one value", "leverage.asset.NAME"),
        ("near", "unset", "is not set, so there is nothing to remove", "playbook show"),
        ("..", "1", "is not a key", "leverage.asset.BTC"),
        ("near", "80", "should be less than 1", "fractions are written 0.15, not 15"),
        ("near", "nan", "should be a finite number", "remove the key"),
        ("survival.buffer", "20%", "should be a number", "0.15, not 15 or 15%"),
        ("survival.moves", "[0.1", "should be a list", "[brackets]"),
        ("near", "0.5\nname = 'x'", "should be a number", "0.15"),
        ("survival.depth_loss", "1", "should be less than 1", "fractions are written 0.15, not 15"),
        ("survival.horizon", "a week", "should be a length of time", ""),
        ("margin.isolated", '["lab"]', "names no sleeve of [capital]", "sleeves: core, reserve"),
        ("schema_version", "unset", "is missing", "schema_version = 1"),
    ],
)
def test_what_would_not_load_is_refused(key: str, value: str, message: str, hint: str) -> None:
    problem = refusal(key, value)
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_text_that_is_not_toml_is_refused_where_it_breaks() -> None:
    assert refusal("near", "0.5", "schema_version = 1\nnear = \n").line == 2
