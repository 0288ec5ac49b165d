"""The playbook's JSON Schema, for editors: completion and hover text."""

from __future__ import annotations

from typing import Any

from perpbook.playbook.schema import Playbook


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a playbook, as TOML has it: no nulls, what is optional may be left out."""
    found = _for_toml(Playbook.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "perpbook-playbook-1",
        **found,
        "title": "Perpbook playbook, version 1",
    }


def _for_toml(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every table's properties described."""
    models = {name: _table(one, schema["$defs"]) for name, one in schema["$defs"].items()}
    return {**_table(schema, schema["$defs"]), "$defs": models}


def _table(table: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _property(one, models) for name, one in table["properties"].items()}
    return {**table, "properties": properties}


def _property(found: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in found.items() if name != "title"}
    choices = [one for one in out.pop("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        out |= choices[0]
    if out.get("default", 0) is None:
        del out["default"]
    if "description" not in out and "$ref" in out:
        out["description"] = models[out["$ref"].rsplit("/", 1)[-1]]["description"]
    return out
