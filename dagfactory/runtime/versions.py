"""The versions of a registered model, and the aliases that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .vertex import VertexClient


def parent(client: VertexClient, display_name: str) -> str | None:
    """Return the oldest model of a display name, which gets the new versions."""
    # Vertex AI allows several models of one name; all attempts have to choose the same one.
    found = client.pages("models", "models", filter=f'display_name="{display_name}"')
    same = [model for model in found if model.get("displayName") == display_name]
    same.sort(key=lambda model: (model.get("createTime", ""), model["name"]))
    return same[0]["name"].split("@")[0] if same else None


def every(client: VertexClient, model: str | None) -> Iterator[dict[str, Any]]:
    """Yield the versions of a model by its resource name; none without a model."""
    if model:
        yield from client.pages(f"{model.split('@')[0]}:listVersions", "models")


def holder(versions: Iterable[dict[str, Any]], alias: str) -> dict[str, Any] | None:
    """Return the version that holds an alias."""
    return next((each for each in versions if alias in each.get("versionAliases", [])), None)


def move_aliases(client: VertexClient, version: dict[str, Any], aliases: Iterable[str]) -> None:
    """Put aliases on a version and take them from all others of its model."""
    wanted = set(aliases)
    for other in every(client, version["name"]):
        held = set(other.get("versionAliases", [])) & wanted
        # A `-` before a name removes it. Taken away first: an alias can be on one version only.
        if other["versionId"] != version["versionId"] and held:
            _merge(client, other, [f"-{alias}" for alias in sorted(held)])
    missing = wanted - set(version.get("versionAliases", []))
    if missing:
        _merge(client, version, sorted(missing))


def full_name(version: dict[str, Any]) -> str:
    """Return `projects/…/models/ID@VERSION`."""
    return f"{version['name'].split('@')[0]}@{version['versionId']}"


def _merge(client: VertexClient, version: dict[str, Any], changes: list[str]) -> None:
    client.act(full_name(version), "mergeVersionAliases", {"versionAliases": changes})
