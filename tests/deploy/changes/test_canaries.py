"""No secret gets into the plans of a bundle, nor from there into anything that `plan` writes."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from string import ascii_letters, digits
from typing import Any

from edits import Workshop
from size import SEED
from tokens import TOKENS

from dagfactory.deploy.changes.compare import task_changes
from dagfactory.deploy.changes.document import read_pipeline
from dagfactory.deploy.changes.field import fields
from dagfactory.deploy.changes.formats import Planned, forms, load_form
from dagfactory.deploy.changes.model import Changes, PipelineChange
from dagfactory.report import Style

NAMES = (
    *("password", "DB_PASSWORD", "dbPassword", "api_key", "API-KEY", "apikey", "secret", "token"),
    *(
        "access_key",
        "private_key",
        "secret_key",
        "credentials",
        "passwd",
        "passphrase",
        "AUTH_TOKEN",
    ),
)


def canaries() -> list[tuple[str, str]]:
    """Return a hundred secrets, each with the name of the key that holds it."""
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    known = [("WORD", example) for some in TOKENS.values() for example in some]
    named = [(name, f"canary {number}") for number, name in enumerate(NAMES)]
    letters = ascii_letters + digits
    # long enough that each looks like what it is, whatever is drawn
    words = [
        ("WORD", "".join(random.choices(letters, k=40))) for _ in range(100 - len(known + named))
    ]
    return known + named + words


CANARIES = canaries()


def spec(value: str, name: str) -> dict[str, Any]:
    """Return a spec with a text in many places, all of which take any text."""
    return {
        "pipeline": "p",
        "doc": value if name == "WORD" else "Doc.",
        "params": {name.replace("-", "_"): {"type": "string", "default": value}},
        "alerts": {"on_failure": [{"webhook": {"connection": "hook", "body": {name: value}}}]},
        "tasks": {
            "shell": {"type": "bash", "command": "run", "env": {name.replace("-", "_"): value}},
            "call": {
                "type": "python",
                "callable": "a.b",
                "args": {"inner": [{name.replace("-", "_"): value}]},
            },
        },
    }


def test_none_of_a_hundred_gets_out(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    old = workshop.plan(spec("harmless", "WORD"))
    assert old
    assert len(CANARIES) == 100
    for name, value in CANARIES:
        new = workshop.plan(spec(value, name))
        assert new
        one, other = read_pipeline(old), read_pipeline(new)
        assert one
        assert other
        settings = tuple(fields(one.settings, other.settings))
        tasks = tuple(task_changes(one.tasks, other.tasks))
        assert tasks
        changes = Changes((PipelineChange("p", "changed", ("spec",), settings, tasks),))
        planned = Planned("prod", "gs://b/dags/p", changes, "")
        texts = [load_form(form).text(planned, Style()) for form in forms()]
        for text in (new.decode(), json.dumps(changes.data()), *texts):
            assert value not in text, (name, text)
