"""Specs with several independent mistakes, each taken from its section of docs/errors.md."""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from random import Random

from size import SEED

from dagfactory.compiler.check import check_specs
from dagfactory.diagnostics.diagnostic import CODES
from dagfactory.diagnostics.explain import document, sections
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load
from dagfactory.project.code import MOST_BYTES

FENCE = re.compile(r"^```yaml (\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STOPPING = dict(
    re.findall(
        r"^- (DF\d{3}): (.+)$",
        document("errors.md").read_text(encoding="utf-8").partition("## ")[0],
        re.MULTILINE,
    )
)
"""Codes that stop everything by nature, with the reason, as the head of the page lists them."""

SPEC, DEFAULTS, DEV = "spec.yaml", "defaults.yaml", "environments/dev.yaml"
HEAD = "pipeline: planted\n"
FIELDS = "environment: {0}\nproject: demo-{0}\nregion: us-central1\nbucket: gs://demo-{0}\n"
JOBS = ("train", "sweep", "evaluate")


@dataclass(frozen=True)
class Mistake:
    """A mistake as text: what it needs at the top of a file, and its tasks."""

    code: str
    option: str
    top: dict[str, str]
    tasks: str

    def clashes(self, other):
        """Whether two mistakes are not independent of each other."""
        return (
            bool(self.top.keys() & other.top.keys()) or self._forbids(other) or other._forbids(self)
        )

    def _forbids(self, other):
        words = FORBIDDEN.get(self.code, ())
        return any(word in (*other.top, other.option) or word in other.tasks for word in words)


CODE = {
    "train.py": "import my_team.report\n",
    "broken.py": "def fit(:\n",
    "src/captions/fit.py": "import contract\n\ncontract.write_metrics({}, 0)\n",
    "data/weights.bin": "",
    "judge.json": (
        '{"root": {"dag": {}, "inputDefinitions": {"parameters": {"model": {"parameterType": "STRING"},'
        ' "steps": {"parameterType": "NUMBER_INTEGER", "isOptional": true}}}}}'
    ),
    "my_team/__init__.py": "",
    "my_team/report.py": "def write(day, limit=100): ...\n",
}
"""What lies beside the examples that name code of the project."""

FORBIDDEN = {
    # a spec for one line of Airflow has no dates that differ between two
    "DF353": ("airflow2",),
    # a wait counts from a date that runs started by assets lack, which on Airflow 2 is there
    # and which other examples name as well
    "DF352": ("wait_until", "airflow2", "ds_ad", "{{ ds }}"),
    # a budget is for all tasks together, and so is broken by the machines of others
    "DF334": ("machine",),
    "DF335": ("machine",),
    "DF336": ("budget",),
    # the twin has the same defaults, and what they lack
    "DF213": ("schedule",),
    "DF225": ("sweep", "trigger_rule"),
    # without environments there is none to patch, to describe or to run jobs in
    "DF113": (
        "environments",
        "airflow2",
        "pool",
        '"train"',
        '"sweep"',
        "type: train",
        "callable",
        "${env",
        "${run",
    ),
}
"""What the other mistakes cannot have beside one, or it would be another mistake."""


def examples(code):
    return {kind: (option, text) for kind, option, text in FENCE.findall(sections()[code])}


def _blocks(text):
    """Return the top-level keys of a spec with their text."""
    parts = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    found = {}
    for part in filter(str.strip, parts):
        key = part.partition(":")[0]
        # a key that is given twice is a mistake to keep
        found[key] = found.get(key, "") + part
    return found


def _ids(tasks):
    for name, task in tasks.items():
        yield name
        if isinstance(task, dict) and isinstance(task.get("tasks"), dict):
            yield from _ids(task["tasks"])


def _data(text):
    node = load(SourceFile("f", text))[0]
    return node.plain() if node else {}


def _with_machine(data):
    """Give jobs the image and the machine that an example has under `defaults`."""
    shared = data["defaults"]
    made = {
        name: {**shared, **task} if task["type"] in JOBS else task
        for name, task in data["tasks"].items()
    }
    return "".join(f"  {name}: {json.dumps(task)}\n" for name, task in made.items())


def mistake(code):
    """Return the mistake of a section's failing example."""
    found = examples(code)
    option, text = found["fails"] if "fails" in found else found["first"]
    repaired = _data(found["repaired" if "repaired" in found else "second"][1])
    data, top = _data(text), _blocks(text)
    tasks = top.pop("tasks").partition("\n")[2]
    top.pop("pipeline")
    if top.get("defaults") and data["defaults"] == repaired.get("defaults"):
        tasks = _with_machine(data)
        del top["defaults"]
    for name in dict.fromkeys(_ids(data.get("tasks", {}))):
        tasks = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{name}_{code.lower()}", tasks)
    return Mistake(code, option, top, tasks)


OF_ENVIRONMENTS = {
    "DF120": "zone: a\n",
    "DF122": "service_account: 3\n",
    "DF123": "dags: gs://bucket/dags/not-importable\n",
    "DF103": "composer: one\ncomposer: two\n",
    "DF106": "labels: {1: a}\n",
    "DF109": "vars: {build: 20260105123456789012345}\n",
}
"""Mistakes that only the file of an environment can have: a line each."""


def mistakes():
    """Return all mistakes that do not stop everything."""
    return [mistake(code) for code in CODES if code not in STOPPING]


def drawn(number):
    """Return two to seven independent mistakes, each with the file of its upper part, and lines.

    The lines are those of an environment's file; it is always the same for one number.
    """
    draw = Random(f"{SEED} {number}")  # noqa: S311 - reproducible, not secret
    pool = mistakes()
    # every code has its turn
    first = pool.pop(number % len(pool))
    draw.shuffle(pool)
    chosen = []
    for each in (first, *pool):
        if not any(each.clashes(other) for other, _ in chosen):
            chosen.append((each, draw.choice((SPEC, SPEC, DEFAULTS, DEV))))
        if len(chosen) == 2 + number % 6:
            break
    if any(each.option == "bare" for each, _ in chosen):
        return [(each, SPEC) for each, _ in chosen], []
    return chosen, draw.sample(sorted(OF_ENVIRONMENTS), draw.choice((0, 0, 1, 2)))


def write(folder, chosen, lines):
    """Write a project with these mistakes; return its specs."""
    options = {each.option for each, _ in chosen}
    tops = {SPEC: HEAD, DEFAULTS: "", DEV: ""}
    tasks = "".join(each.tasks for each, _ in chosen)
    for each, place in chosen:
        # only a pipeline has patches, and a key twice or with a hidden character is a fault of its file
        home = SPEC if {"environments", "owner"} & each.top.keys() else place
        tops[home] += "".join(each.top.values())
    folder.mkdir()
    specs = [folder / SPEC]
    tasks = tasks or "  nothing: {type: empty}\n"
    specs[0].write_text(f"{tops[SPEC]}tasks:\n  idle: {{type: empty}}\n{tasks}", encoding="utf-8")
    if tops[DEFAULTS]:
        (folder / DEFAULTS).write_text(tops[DEFAULTS], encoding="utf-8")
    if "code" in options:
        write_code(folder)
    if any(each.code == "DF213" for each, _ in chosen):
        specs.append(folder / "twin.yaml")
        specs[1].write_text(HEAD + "tasks:\n  a: {type: empty}\n")
    if "bare" not in options:
        _write_environments(folder, tops[DEV], lines, options)
    return specs


def write_code(folder):
    """Write the files that the examples of the option `code` name."""
    for name, content in CODE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    os.truncate(folder / "data/weights.bin", MOST_BYTES + 1)  # a file of nothing takes no room


def fields(name, options):
    """Return what the options of examples ask of an environment's file."""
    older = "airflow2" in options or ("both" in options and name == "dev")
    code = "code: [my_team]\n" if "code" in options else ""
    return code + ("target: airflow2\n" if older else "")


def _write_environments(folder, fragment, lines, options):
    (folder / "environments").mkdir()
    for name in ("dev", "prod"):
        text = FIELDS.format(name) + fields(name, options)
        if name == "dev":
            text += "".join(OF_ENVIRONMENTS[code] for code in lines)
            text += (
                "pipeline:\n" + re.sub("^", "  ", fragment, flags=re.MULTILINE) if fragment else ""
            )
        (folder / "environments" / f"{name}.yaml").write_text(text, encoding="utf-8")


def found(specs):
    """Return how often each code is in the report, file by file."""
    reported = check_specs(specs, None).diagnostics
    return Counter((each.code, each.span.file.rpartition("/")[2]) for each in reported if each.span)
