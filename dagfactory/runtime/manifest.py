"""Checks of a checkpoint by its manifest.json: pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

STEP = re.compile(r"/step-(\d+)/manifest\.json$")
KNOWN = ("states", "max_loss", "complete", "min_step", "verify")
SCHEMA_VERSION = 1

Check = dict[str, Any]


def newest(addresses: Mapping[str, int]) -> str | None:
    """Return the directory of the newest step that has a manifest, None without one."""
    # The trainer writes the manifest last: a step without one is a save that was cut off.
    found = {int(match[1]): name for name in addresses if (match := STEP.search(name))}
    return found[max(found)].removesuffix("/manifest.json") if found else None


def unfinished(addresses: Mapping[str, int]) -> int:
    """Count the step directories without a manifest, which are unfinished saves."""
    steps = {match[0] for name in addresses if (match := re.search(r"/step-\d+/", name))}
    return sum(
        not any(name.endswith(step + "manifest.json") for name in addresses) for step in steps
    )


def checks(manifest: Any, require: Mapping[str, Any]) -> Iterator[Check]:
    """Yield every check of a manifest as ``{"check", "passed", "detail"}``."""
    if not isinstance(manifest, Mapping):
        yield _check("manifest", passed=False, detail="it is not a JSON object")
        return
    version = manifest.get("schema_version")
    yield _check("schema_version", passed=version == SCHEMA_VERSION, detail=f"is {version!r}")
    for key in sorted(set(require) - set(KNOWN)):  # a requirement that nobody checks must not pass
        yield _check(key, passed=False, detail=f"is not something to require ({', '.join(KNOWN)})")
    if require.get("complete"):
        done = manifest.get("complete") is True
        where = f"at step {manifest.get('step')} of {manifest.get('planned_steps')}"
        where = where if "complete" in manifest else "the checkpoint does not say"
        yield _check("complete", passed=done, detail=where)
    yield from _limits(manifest, require)
    for state in require.get("states") or []:
        yield state_check(state, (manifest.get("states") or {}).get(state))


def file_checks(manifest: Any, directory: str, sizes: Mapping[str, int]) -> Iterator[Check]:
    """Yield a check that each listed file is there with its size; ``sizes`` is by full address."""
    files = manifest.get("files") if isinstance(manifest, Mapping) else None
    if not isinstance(files, Mapping) or not files:
        yield _check("files", passed=False, detail="the manifest lists none")
        return
    for name, entry in files.items():
        want, got = (entry or {}).get("bytes"), sizes.get(f"{directory}/{name}")
        passed = got is not None and got == want
        wrong = "is missing" if got is None else f"has {got} bytes, the manifest says {want}"
        yield _check(f"size of {name}", passed=passed, detail=f"{got} bytes" if passed else wrong)


def hash_check(name: str, want: Any, got: str) -> Check:
    """Compare the SHA-256 of a file with the manifest's."""
    detail = "as in the manifest" if want == got else f"is {got}, the manifest says {want}"
    return _check(f"sha256 of {name}", passed=want == got, detail=detail)


def _limits(manifest: Mapping[str, Any], require: Mapping[str, Any]) -> Iterator[Check]:
    if require.get("min_step") is not None:
        step, least = manifest.get("step"), require["min_step"]
        enough = isinstance(step, int) and step >= least
        yield _check("min_step", passed=enough, detail=f"step {step}, at least {least}")
    if require.get("max_loss") is not None:
        loss, most = manifest.get("loss"), require["max_loss"]
        number = isinstance(loss, int | float) and not isinstance(loss, bool)
        # a comparison alone would refuse NaN, but -inf is below every limit
        small = number and math.isfinite(loss or 0.0) and (loss or 0.0) <= most
        yield _check("max_loss", passed=small, detail=f"loss {loss}, at most {most}")


def state_check(name: str, state: Any) -> Check:
    """Check that a state has tensors, all of them finite."""
    if not isinstance(state, Mapping):
        return _check(f"state {name}", passed=False, detail="is missing")
    if not state.get("tensors"):
        return _check(f"state {name}", passed=False, detail="holds no tensors")
    finite = state.get("finite") is True
    return _check(f"state {name}", passed=finite, detail="finite" if finite else "is not finite")


def _check(name: str, *, passed: bool, detail: str) -> Check:
    return {"check": name, "passed": passed, "detail": detail}
