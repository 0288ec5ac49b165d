"""The page on playbooks names every key, and its example loads and uses every one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from perpbook.playbook.edit import edit
from perpbook.playbook.keys import KnownKey, schema_keys
from perpbook.playbook.load import parse_playbook
from tests.playbooks import built_keys

PAGE = (Path(__file__).parents[2] / "docs" / "playbook.md").read_text(encoding="utf-8")
FOUND = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE = FOUND[1] if FOUND else ""
NAMED_KEYS = [key for key in schema_keys() if not key.path.endswith(".*")]


def names_of(text: str) -> set[str]:
    """Everything in backquotes in table rows and headings."""
    rows = [line for line in text.splitlines() if line.startswith(("|", "#"))]
    return {
        name.strip("[]") if name.startswith("[") else name for row in rows for name in re.findall(r"`([^`]+)`", row)
    }


@pytest.mark.parametrize("key", NAMED_KEYS, ids=lambda key: key.path)
def test_every_key_has_a_heading_or_a_row_where_it_belongs(key: KnownKey) -> None:
    assert key.path in names_of(PAGE)


def test_nothing_is_named_that_is_no_key() -> None:
    sections = {key.path.split(".")[0] for key in NAMED_KEYS}
    known = {key.path for key in NAMED_KEYS}
    named = {name for name in names_of(PAGE.split("## Changing")[0]) if re.fullmatch(r"[a-z_.\[\]]+", name)}
    assert {name for name in named if name.split(".")[0] in sections} <= known


def test_the_example_loads() -> None:
    assert parse_playbook(EXAMPLE, "docs/playbook.md").name == "desk"


@pytest.mark.parametrize("path", [key.path for key in built_keys()])
def test_the_example_uses_every_key(path: str) -> None:
    found: Any = tomllib.loads(EXAMPLE)
    for part in path.replace("[]", ".0").split("."):
        found = (
            found[int(part)] if isinstance(found, list) else next(iter(found.values())) if part == "*" else found[part]
        )
    assert found not in (None, [], {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("leverage.asset.BTC", "2"),
        ('leverage.asset."A.B"', "2"),
        ("capital.sleeves.reserve.min", "0.1"),
        ("capital.sleeves[2].min", "0.1"),
        ("capital.sleeves[3].name", "lab"),
        ("survival.moves", "[0.05, 0.2]"),
        ("name", "desk"),
        ("survival.buffer", "unset"),
    ],
)
def test_the_edits_it_shows_work_on_its_example(key: str, value: str) -> None:
    assert key in PAGE
    parse_playbook(edit(EXAMPLE, key, value, file="docs/playbook.md"), "docs/playbook.md")
