"""Spelling help: the nearest known words and short lists of what is expected."""

from __future__ import annotations

from collections.abc import Iterable

from dagfactory.diagnostics.redact import masked

ELSEWHERE = {
    "after": "dependencies depends depends_on needs requires runs_after upstream upstream_tasks",
    "pipeline": "dag dag_id dag_name id name",
    "schedule": "cron cron_schedule interval schedule_interval",
    "command": "bash_command cmd entrypoint script",
    "image": "container container_image docker_image",
    "accelerator": "accelerator_type accelerators gpu gpu_type gpus",
    "type": "instance_type machine_type operator",
    "replicas": "nodes worker_count workers",
    "provisioning": "preemptible spot use_spot",
    "method": "algorithm sampler search search_method strategy",
    "parameters": "grid hyperparameters search_space space",
    "metric": "objective",
    "trials": "max_trial_count max_trials n_trials num_trials run_cap",
    "when": "condition if threshold",
    "then": "if_true on_pass on_true",
    "else": "if_false on_fail on_false otherwise",
    "callable": "function python_callable",
    "query": "sql",
    "secrets": "secret_env secret_environment",
    "env": "env_vars environment_variables envs",
    "each": "item loop matrix",
    "params": "inputs parameters",
    "attempts": "count max_attempts max_retries",
    "kms_key": "cmek encryption_key encryption_spec encryption_spec_key_name",
    "persistent_resource": "persistent_resource_id",
    "psc_interface": "psc_interface_config",
    "timeout": "dagrun_timeout execution_timeout max_runtime",
    "artifact": "artifact_uri model_dir model_uri",
    "serving": "serving_container_image_uri serving_container_spec serving_image",
}
"""What other tools (Airflow, dag-factory, Compose, GitHub Actions, Kubeflow, SkyPilot) call our keys."""

_OURS = {foreign: ours for ours, names in ELSEWHERE.items() for foreign in names.split()}

SHOWN = 8
"""So many choices are listed in full; of more, only the nearest are."""


_LONGEST = 40
_FEW = 500
_SHORTEST = 3
"""Letters of a word of which one can be wrong; in a shorter one that is half of it."""


def closest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` known words that `word` may stand for, the nearest first.

    That is the word itself in another case, what other tools call so, one slip of the fingers, or
    else what looks like it.
    """
    import difflib

    word = word[:100]
    folded = {_fold(each): each for each in reversed(list(known))}
    if _fold(word) in folded:
        return [folded[_fold(word)]]
    if our_name(word) in folded:
        return [folded[our_name(word)]]
    slips = [each for each in folded if _one_slip(_fold(word), each)]
    # comparing one word with thousands takes a second; among so many, one slip says enough
    few = folded if len(folded) <= _FEW else ()
    near = difflib.get_close_matches(_fold(word), few, count, 0.6)
    best = [each for each in near if each in slips] + slips or near
    return [folded[each] for each in dict.fromkeys(best)][:count]


def _one_slip(word: str, other: str) -> bool:
    """Whether one letter left out, put in, replaced or swapped with the next makes the other word."""
    if min(len(word), len(other)) < _SHORTEST:
        return False
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    word, other = word[start:], other[start:]
    while word and other and word[-1] == other[-1]:
        word, other = word[:-1], other[:-1]
    return max(len(word), len(other)) == 1 or (
        len(word) == 2 and word == other[::-1]  # noqa: PLR2004 - the two that were swapped
    )


def did_you_mean(word: str, known: Iterable[str], noun: str = "expected") -> str | None:
    """Return a help line for `word`: the likely meaning, or what is `noun` (expected, allowed)."""
    choices = list(known)
    near = closest(word, choices)
    if near and len(choices) > SHOWN:
        return f"did you mean {either(near)}?"
    if near:
        others = f" ({noun}: {listing(choices)})" if len(choices) > 1 else ""
        return f"did you mean `{shorten(near[0])}`?{others}"
    return f"{noun}: {listing(choices)}" if choices else None


def listing(words: Iterable[str]) -> str:
    """Return words in backquotes with commas; of a long list its head and the number left out."""
    quoted = [f"`{shorten(each)}`" for each in words]
    if len(quoted) <= SHOWN:
        return ", ".join(quoted)
    return f"{', '.join(quoted[:SHOWN])} and {len(quoted) - SHOWN} more"


def either(words: Iterable[str]) -> str:
    """Return words in backquotes joined by commas and a final `or`."""
    *head, last = [f"`{shorten(each)}`" for each in words]
    return f"{', '.join(head)} or {last}" if head else last


def shorten(text: str) -> str:
    """Return the text on one line, at most 40 characters long, without secrets of a known shape.

    Half a secret has no known shape any more, so it is looked for before the text is cut.
    """
    flat = " ".join(masked(text[: 8 * _LONGEST])[: 2 * _LONGEST].split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def our_name(word: str) -> str:
    """Return what a key of another tool is called here; other words as they are."""
    return _OURS.get(_fold(word), word)


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
