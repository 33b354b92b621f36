"""Errors of pydantic, said in the words of the language and placed in the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from dagfactory.compiler.validate.introspect import homes_of, keys_at, long_form, model_at
from dagfactory.compiler.validate.messages import (
    EXPECTED,
    Words,
    alternatives,
    bound,
    describe,
    flow,
    name_of,
    quoted_choices,
    type_help,
    unlike,
)
from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import KeyPath
from dagfactory.diagnostics.wording import closest, did_you_mean, either, our_name, shorten
from dagfactory.document.node import Node


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a model with its path in the document, union and key markers taken out."""

    kind: str
    path: KeyPath
    on_key: bool
    value: Any
    context: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was wrong and is left out of the values that are looked at again.

    With `whole` a check of the whole mapping has spoken already: its next words may follow from that.
    With `many` so much was wrong that nobody reads on.
    """

    paths: Collection[KeyPath] = ()
    whole: bool = False
    many: bool = False


_NOTHING = LeftOut()


def diagnose(
    error: ValidationError,
    model: type[BaseModel],
    node: Node,
    base: KeyPath = (),
    without: LeftOut = _NOTHING,
) -> list[Diagnostic]:
    """Turn the errors of checking the mapping at `base` against `model` into diagnostics.

    What only follows from what is left out is not said.
    """
    errors = error.errors(include_url=False)
    every = [_fault(each, node, base) for each in errors[: limits.FINDINGS.most]]
    faults = [each for each in every if not _follows(each, base, without)]
    if not faults:
        return []
    merged = _merge_unknown_and_missing(
        _without_misspelt_missing(_without_shadowed(faults), model, base), model, base
    )
    found = [_diagnostic(each, model, node, base) for each in merged]
    left = len(errors) - len(every)
    if left:
        found[-1] = replace(found[-1], notes=(*found[-1].notes, f"and {left:,} more here"))
    return found


def faulty(error: ValidationError, node: Node, base: KeyPath = ()) -> list[KeyPath]:
    """Return the paths of what is wrong, from the document's root; a key that is missing has one, too."""
    return [_fault(each, node, base).path for each in error.errors(include_url=False)]


def _fault(error: Any, node: Node, base: KeyPath) -> Fault:
    context = error.get("ctx") or {}
    steps = [*error["loc"], *context.get("at", ())]
    on_key = "[key]" in steps
    kind = {"extra_forbidden": "unknown", "missing": "missing", "missing_key": "missing"}.get(
        error["type"], error["type"]
    )
    path, last = base, len(steps) - 1
    # pydantic puts members of unions, names of models and `[key]` between the document's steps
    for at, step in enumerate(steps):
        below = node.find((*path, step))
        if below is not None or (kind == "missing" and at == last):
            path = (*path, step)
    return Fault(kind, path, on_key, error["input"], context, error["msg"])


def left_out(error: ValidationError, node: Node, base: KeyPath = ()) -> LeftOut:
    """Return what has to be left out for all the rest to be looked at."""
    whole = any(not each["loc"] for each in error.errors(include_url=False))
    many = error.error_count() > limits.FINDINGS.most
    return LeftOut(frozenset(faulty(error, node, base)), whole, many)


def _follows(fault: Fault, base: KeyPath, without: LeftOut) -> bool:
    """Whether a fault is there because of what was left out, or one too many."""
    if without.many:
        return True
    at = len(fault.context.get("at", ())) or int(fault.kind == "missing")
    owner = fault.path[: len(fault.path) - at]
    size = len(owner)
    inside = [each for each in without.paths if each[:size] == owner and len(each) > size]
    if owner != base or not at:
        return bool(inside) or fault.path in without.paths
    # the mapping has many other keys: which ones this is about is in its words
    said = (str(each) for each in (fault.path[-1], *fault.context.values(), fault.text))
    words = set(re.findall(r"\w+", " ".join(said)))
    return without.whole or any(closest(str(each[size]), words, 1) for each in inside)


def _without_shadowed(faults: Sequence[Fault]) -> list[Fault]:
    """Keep one type fault per place: a union reports one for each alternative."""
    paths = [each.path for each in faults]
    bounded = {each.path for each in faults if bound(each.kind, each.context)}
    kept: dict[Any, Fault] = {}
    for fault in faults:
        if fault.kind not in EXPECTED:
            kept[fault.kind, fault.path, fault.text] = fault
            continue
        if fault.path in bounded or any(
            len(path) > len(fault.path) and path[: len(fault.path)] == fault.path for path in paths
        ):
            # an alternative that got deeper into the value, or has its type, is the one that was meant
            continue
        first = kept.setdefault(("type", fault.path), fault)
        if first is not fault:
            words = [*first.context.get("also", ()), EXPECTED[fault.kind]]
            context = {**first.context, "also": tuple(words)}
            kept["type", fault.path] = Fault(
                first.kind, first.path, first.on_key, first.value, context, first.text
            )
    return list(kept.values())


def _without_misspelt_missing(
    faults: list[Fault], model: type[BaseModel], base: KeyPath
) -> list[Fault]:
    """Drop a missing key when an unknown one beside it is its misspelling."""
    typos = {
        (each.path[:-1], near)
        for each in faults
        if each.kind == "unknown"
        for near in closest(_typed_key(each), keys_at(model, each.path[len(base) : -1]), 1)
    }
    return [
        each
        for each in faults
        if each.kind != "missing" or (each.path[:-1], each.path[-1]) not in typos
    ]


def _typed_key(fault: Fault) -> str:
    """Return the key that was typed."""
    # YAML reads `type:train` as one key; what stands before the colon may be spelt right
    return str(fault.path[-1]).partition(":")[0]


def _merge_unknown_and_missing(
    faults: list[Fault], model: type[BaseModel], base: KeyPath
) -> list[Fault]:
    """Say once that a key is unknown and another absent, where the one may stand for the other."""
    kept = list(faults)
    for fault in faults:
        beside = [
            each for each in faults if each.path[:-1] == fault.path[:-1] and each is not fault
        ]
        missing = [each for each in beside if each.kind == "missing"]
        alone = missing and not any(each.kind == "unknown" for each in beside)
        if fault.kind != "unknown" or not alone or _is_explained(fault, model, base):
            continue
        names = [str(each.path[-1]) for each in missing]
        kept = [each for each in kept if each not in missing]
        # one finding: whoever repairs the unknown key has usually written the missing one
        kept[kept.index(fault)] = replace(fault, context={**fault.context, "missing": names})
    return kept


def _is_explained(fault: Fault, model: type[BaseModel], base: KeyPath) -> bool:
    """Whether an unknown key is like a known one, or belongs elsewhere."""
    *parent, _ = fault.path
    path = tuple(parent)[len(base) :]
    word = _typed_key(fault)
    return bool(closest(word, keys_at(model, path), 1) or _belongs_under(word, model, path, base))


def _diagnostic(fault: Fault, model: type[BaseModel], node: Node, base: KeyPath) -> Diagnostic:
    words = _words(fault, model, node, base)
    on_key = fault.on_key or fault.kind in {"unknown", "missing"}
    span = node.span_of(fault.path, key=on_key)
    found = node.find(fault.path)
    origin = found.origin if found and not on_key else None
    part = fault.context.get("part")
    if found and part and not origin:
        span = found.text_span(*part)
    labels = (Label(origin, "the value comes from here"),) if origin else ()
    # a report shows the reference then, not the value, so there is nothing to hide
    hidden = bool(fault.context.get("hidden")) and origin is None
    return Diagnostic(words.code, words.message, span, words.help, labels=labels, hidden=hidden)


def _words(fault: Fault, model: type[BaseModel], node: Node, base: KeyPath) -> Words:
    if fault.kind == "unknown":
        return _unknown(fault, model, node, base)
    if fault.kind == "missing":
        return _missing(fault)
    if fault.kind == "bad_value":
        return Words("DF123", fault.context["message"], fault.context["remedy"])
    if fault.kind in {"literal_error", "enum"}:
        return _choice(fault)
    if fault.kind in EXPECTED:
        return _type(fault, model, node, base)
    return _value(fault)


def _unknown(fault: Fault, model: type[BaseModel], node: Node, base: KeyPath) -> Words:
    *parent, key = fault.path
    here = node.find(tuple(parent))
    used = set(here.keys) if here else set()
    known = keys_at(model, tuple(parent)[len(base) :])
    free = [each for each in known if each not in used]
    place = f" in {name_of(tuple(parent))}" if parent else ""
    # first among the keys that are absent: one that is there already was hardly meant again
    near = closest(str(key), free, 1) or closest(str(key), known, 1)
    choices = free if set(near) <= set(free) else known
    if "missing" in fault.context:
        names = ", ".join(f"`{each}`" for each in fault.context["missing"])
        one = len(fault.context["missing"]) == 1
        hint = f"did you mean {names}? it is missing here" if one else f"missing here: {names}"
        return Words("DF120", f"unknown key `{shorten(str(key))}`{place}", hint)
    if ":" in str(key):
        return Words("DF120", f"unknown key `{shorten(str(key))}`", "put a space after the `:`")
    remedy = None if near else _belongs_under(str(key), model, tuple(parent)[len(base) :], base)
    remedy = remedy or did_you_mean(str(key), choices, "allowed")
    return Words("DF120", f"unknown key `{shorten(str(key))}`{place}", remedy)


def _belongs_under(key: str, model: type[BaseModel], path: KeyPath, base: KeyPath) -> str | None:
    """Say where a key belongs that means something below a sibling key, or in the pipeline."""
    ours = our_name(key)
    homes = homes_of(model, path, ours)
    if homes:
        return f"`{key}` belongs under {either(homes)}" + (f", as `{ours}`" if ours != key else "")
    from dagfactory.language.pipeline import Pipeline

    return f"`{key}` belongs to the pipeline" if base and key in Pipeline.model_fields else None


def _missing(fault: Fault) -> Words:
    *parent, key = fault.path
    owner = name_of(tuple(parent)) if parent else "this file"
    reason = fault.context.get("reason")
    remedy = f"add `{key}: ...`; {reason}" if reason else f"add `{key}: ...`"
    return Words("DF121", f"{owner} lacks the key `{key}`", remedy)


def _choice(fault: Fault) -> Words:
    choices = quoted_choices(fault.context)
    message = f"{name_of(fault.path)} cannot be {describe(fault.value)}"
    text = fault.value if isinstance(fault.value, str) else ""
    return Words("DF124", message, did_you_mean(text, choices, "expected"))


def _type(fault: Fault, model: type[BaseModel], node: Node, base: KeyPath) -> Words:
    if fault.kind == "wrong_type":
        expected, remedy = fault.context["expected"], fault.context["remedy"]
    else:
        expected, remedy = EXPECTED[fault.kind], None
    options = dict.fromkeys([expected, *fault.context.get("also", ())])
    needs = alternatives(options)
    keys = keys_at(model, fault.path[len(base) :])
    found = node.find(fault.path)
    if remedy is None:
        remedy = _long_form_help(fault, model, base) or type_help(options, found, keys)
    message = f"{name_of(fault.path)} needs {needs}{unlike(fault.value)}"
    return Words("DF122", message, remedy)


def _long_form_help(fault: Fault, model: type[BaseModel], base: KeyPath) -> str | None:
    """Return how to write a bare value where a mapping belongs, when it is clear which key it is for."""
    here = model_at(model, fault.path[len(base) :])
    if here is None or fault.value is None or isinstance(fault.value, dict):
        return None
    meant = long_form(here, fault.value)
    return f"write `{flow(meant)}`" if meant else None


def _value(fault: Fault) -> Words:
    limit = bound(fault.kind, fault.context)
    if limit:
        value = fault.value if isinstance(fault.value, int | float) else describe(fault.value)
        return Words("DF123", f"{name_of(fault.path)} must be {limit}, not {value}")
    # pydantic writes this before the text of every ValueError that a validator raises
    text = str(fault.context.get("error") or fault.text).removeprefix("Value error, ")
    if isinstance(fault.value, dict | list) or "`" in text:
        return Words("DF123", text)
    return Words("DF123", f"{name_of(fault.path)} cannot be {describe(fault.value)}", text)
