"""The JSON Schema for editors says of every key what the loader does with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from perpbook.playbook.json_schema import json_schema


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in [("", schema), *schema["$defs"].items()]:
        for key, found in table["properties"].items():
            yield f"{name}.{key}", found


def test_it_names_itself_and_is_json() -> None:
    schema = json_schema()
    assert (schema["$id"], schema["type"]) == ("perpbook-playbook-1", "object")
    assert json.loads(json.dumps(schema)) == schema


def test_every_key_has_a_description_and_no_null() -> None:
    found = dict(properties(json_schema()))
    assert len(found) > 50
    assert [key for key, one in found.items() if not one.get("description")] == []
    assert [key for key, one in found.items() if "null" in json.dumps(one)] == []


def test_unknown_keys_are_refused_in_every_table() -> None:
    schema = json_schema()
    assert all(table["additionalProperties"] is False for table in [schema, *schema["$defs"].values()])
