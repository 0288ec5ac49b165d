"""How layers are reached: `[access]` with each layer's providers, and `[clouds]` with the cloud that a provider runs on."""

from __future__ import annotations

from typing import Any

from perpbook.model.book import Access
from perpbook.snapshot.fields import Table
from perpbook.snapshot.issues import nearest

PROVIDERS = 'list whom the layer is read through, e.g. arbitrum = ["provider-a", "own-node"]'


def read_access(top: Table) -> tuple[Access, ...]:
    """Every layer of `[access]`; a cloud of a provider that no layer names is an issue."""
    table, clouds = top.table("access"), top.table("clouds")
    named = {one: clouds.text(one) or "" for one in clouds.found} if clouds else {}
    found = {layer: _providers(table, layer) for layer in table.found} if table else {}
    known = list(dict.fromkeys(one for providers in found.values() for one in providers))
    for one in named:
        if clouds is not None and one not in known:
            clouds.issue(one, "is no provider of [access]", nearest(one, known) if known else "name it under [access]")
    return tuple(
        Access(layer=layer, providers=providers, clouds=tuple(named.get(one, "") for one in providers))
        for layer, providers in found.items()
    )


def _providers(table: Table, layer: str) -> tuple[str, ...]:
    listed = table.list(layer)
    if isinstance(table.found[layer], list) and not listed:
        table.issue(layer, "names no provider", PROVIDERS)
    found = [table.check_text(one, (*table.at, layer, number)) for number, one in enumerate(listed)]
    out = [one for one in found if one is not None]
    if len(set(out)) < len(out):
        table.issue(layer, "names a provider twice", "name each once")
    return tuple(dict.fromkeys(out))


def access_document(access: tuple[Access, ...]) -> dict[str, Any]:
    """The same as a book file holds it."""
    clouds = {
        provider: cloud for one in access for provider, cloud in zip(one.providers, one.clouds, strict=True) if cloud
    }
    return {"access": {one.layer: list(one.providers) for one in access} or None, "clouds": clouds or None}
