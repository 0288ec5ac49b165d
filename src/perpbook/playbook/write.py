"""A playbook as TOML text: what is written loads back to the same playbook."""

from __future__ import annotations

from typing import Any

from perpbook.playbook.schema import Playbook


def as_toml(playbook: Playbook) -> str:
    """Every value in force, defaults written out; what sets no limit is left out."""
    import tomlkit

    return tomlkit.dumps(_without_empty(playbook.model_dump(exclude_none=True)))


def _without_empty(value: Any) -> Any:
    """Lists as TOML has them; an empty list is left out, for that is its default, but for the sleeves, which have none."""
    if isinstance(value, dict):
        return {key: _without_empty(one) for key, one in value.items() if one != () or key == "sleeves"}
    return [_without_empty(one) for one in value] if isinstance(value, tuple) else value
