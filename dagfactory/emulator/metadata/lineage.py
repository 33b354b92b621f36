"""What belongs to what: artifacts and executions of contexts, children of contexts, events of executions."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf import json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.filters import compile_filter

SERVICE = f"{VERTEX}.MetadataService"
STORE = "projects/*/locations/*/metadataStores/*"
MOST_PARENTS = 10
_CONTEXT = re.compile(r".+/metadataStores/[^/]+/contexts/[^/]+")
_LINKS = "lineage"  # a LineageSubgraph, kept below the context or execution whose links it holds


class Lineage:
    """The links between the nodes of metadata stores."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def methods(self) -> list[Method]:
        """Return the rows of the route table for links."""
        context = f"/v1/{{context={STORE}/contexts/*}}:"
        execution = f"/v1/{{execution={STORE}/executions/*}}:"
        artifact = f"/v1/{{artifact={STORE}/artifacts/*}}:"
        rows = [
            ("AddContextArtifactsAndExecutions", "POST", context, self.add_members),
            ("AddContextChildren", "POST", context, self.add_children),
            ("RemoveContextChildren", "POST", context, self.remove_children),
            ("AddExecutionEvents", "POST", execution, self.add_events),
            ("QueryContextLineageSubgraph", "GET", context, self.of_context),
            ("QueryExecutionInputsAndOutputs", "GET", execution, self.of_execution),
            ("QueryArtifactLineageSubgraph", "GET", artifact, self.of_artifact),
        ]
        return [
            Method(SERVICE, name, verb, place + name[0].lower() + name[1:], call, _body(verb))
            for name, verb, place, call in rows
        ]

    def add_members(self, request: Any) -> Any:
        """Add artifacts and executions to a context; those it has stay."""
        with self._store.transaction():
            self._store.get(request.context)
            links = self._links(request.context)
            for field in ("artifacts", "executions"):
                members = getattr(links, field)
                known = {each.name for each in members}
                for name in dict.fromkeys(getattr(request, field)):
                    self._store.get(name)
                    if name not in known:
                        members.add(name=name)
            self._keep(request.context, links)
        return vertex("AddContextArtifactsAndExecutionsResponse")

    def add_children(self, request: Any) -> Any:
        """Make a context a parent of others; raises INVALID_ARGUMENT for a circle or too many."""
        with self._store.transaction():
            above = {request.context, *self._ancestors(request.context)}
            for name in request.child_contexts:
                if name in above:
                    message = f"{name} is {request.context} or a parent of it."
                    raise ApiError("INVALID_ARGUMENT", message)
                with self._store.edit(name) as child:
                    if request.context not in child.parent_contexts:
                        child.parent_contexts.append(request.context)
                    if len(child.parent_contexts) > MOST_PARENTS:
                        message = f"{name} has more than {MOST_PARENTS} parent contexts."
                        raise ApiError("INVALID_ARGUMENT", message)
        return vertex("AddContextChildrenResponse")

    def remove_children(self, request: Any) -> Any:
        """Take children from a context; those it does not have stay as they are."""
        with self._store.transaction():
            self._store.get(request.context)
            for name in request.child_contexts:
                self._unlink(name, request.context)
        return vertex("RemoveContextChildrenResponse")

    def add_events(self, request: Any) -> Any:
        """Add events to an execution; an event between the same two, of the same type, is kept once."""
        with self._store.transaction():
            self._store.get(request.execution)
            links = self._links(request.execution)
            known = {(each.artifact, each.type_) for each in links.events}
            for event in request.events:
                self._store.get(event.artifact)
                if (event.artifact, event.type_) not in known:
                    event.execution = request.execution
                    event.event_time.GetCurrentTime()
                    links.events.append(event)
            self._keep(request.execution, links)
        return vertex("AddExecutionEventsResponse")

    def of_context(self, request: Any) -> Any:
        """Return the artifacts and executions of a context and of those below it, with their events."""
        self._store.get(request.context)
        found = vertex("LineageSubgraph")
        for context in (request.context, *self._descendants(request.context)):
            found.MergeFrom(self._links(context))
        executions = {each.name for each in found.executions}
        events = [event for name in sorted(executions) for event in self._links(name).events]
        artifacts = {each.name for each in found.artifacts} | {each.artifact for each in events}
        return self._graph(artifacts, executions, events)

    def of_execution(self, request: Any) -> Any:
        """Return the artifacts that an execution read and wrote, and its events."""
        self._store.get(request.execution)
        events = self._links(request.execution).events
        return self._graph({each.artifact for each in events}, {request.execution}, events)

    def of_artifact(self, request: Any) -> Any:
        """Return what an artifact came from and went into, up to `max_hops` steps away."""
        start = self._store.get(request.artifact)
        every = self._events(start.name.rsplit("/", 2)[0])
        seen, hops = {start.name}, request.max_hops or len(every)
        for _ in range(hops):
            near = [each for each in every if seen & {each.artifact, each.execution}]
            reached = {name for each in near for name in (each.artifact, each.execution)}
            if reached <= seen:
                break
            seen |= reached
        test = compile_filter(request.filter)
        names = {name for name in seen if "/artifacts/" in name}
        kept = {name for name in names if test(json_format.MessageToDict(self._store.get(name)))}
        executions = {name for name in seen if "/executions/" in name}
        shown = [each for each in every if each.artifact in kept and each.execution in executions]
        return self._graph(kept, executions, shown)

    def all_contexts(self) -> dict[str, list[str]]:
        """Return of each artifact and execution the contexts that it is a member of."""
        found: dict[str, list[str]] = {}
        for place in self._store.names():
            if place.endswith(f"/{_LINKS}"):
                links, owner = self._store.get(place), place.removesuffix(f"/{_LINKS}")
                for each in (*links.artifacts, *links.executions):
                    found.setdefault(each.name, []).append(owner)
        return found

    def all_children(self) -> dict[str, list[str]]:
        """Return of each context those that it is a parent of."""
        found: dict[str, list[str]] = {}
        for name in self._store.names():
            if _CONTEXT.fullmatch(name):
                for parent in self._store.get(name).parent_contexts:
                    found.setdefault(parent, []).append(name)
        return found

    def unlink(self, name: str) -> None:
        """Forget a node in the links of all others."""
        with self._store.transaction():
            for each in self._store.names():
                if each.endswith(f"/{_LINKS}"):
                    self._drop(each, name)
            for child in self.all_children().get(name, ()):
                self._unlink(child, name)

    def _drop(self, links: str, name: str) -> None:
        with self._store.edit(links) as stored:
            for field, attribute in (
                ("artifacts", "name"),
                ("executions", "name"),
                ("events", "artifact"),
            ):
                kept = [each for each in getattr(stored, field) if getattr(each, attribute) != name]
                stored.ClearField(field)
                getattr(stored, field).extend(kept)

    def _descendants(self, name: str) -> list[str]:
        children = self.all_children()
        return _reached(name, lambda each: children.get(each, ()))

    def _ancestors(self, name: str) -> list[str]:
        return _reached(name, lambda each: self._store.get(each).parent_contexts)

    def _unlink(self, child: str, parent: str) -> None:
        with self._store.edit(child) as stored:
            kept = [each for each in stored.parent_contexts if each != parent]
            stored.parent_contexts[:] = kept

    def _links(self, name: str) -> Any:
        place = f"{name}/{_LINKS}"
        return self._store.get(place) if place in self._store.names() else vertex("LineageSubgraph")

    def _keep(self, name: str, links: Any) -> None:
        self._store.put(f"{name}/{_LINKS}", links)

    def _events(self, parent: str) -> list[Any]:
        executions = self._store.below(parent, "executions")
        return [event for each in executions for event in self._links(each.name).events]

    def _graph(
        self, artifacts: Iterable[str], executions: Iterable[str], events: Iterable[Any]
    ) -> Any:
        graph = vertex("LineageSubgraph", events=list(events))
        graph.artifacts.extend(map(self._store.get, sorted(artifacts)))
        graph.executions.extend(map(self._store.get, sorted(executions)))
        return graph


def _reached(start: str, neighbours: Callable[[str], Iterable[str]]) -> list[str]:
    """Return what can be reached from a context, once each."""
    found: dict[str, None] = {}
    waiting = [start]
    while waiting:
        new = [each for each in neighbours(waiting.pop()) if each not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return list(found)


def _body(verb: str) -> str:
    return "*" if verb == "POST" else ""
