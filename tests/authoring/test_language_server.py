"""The committed schemas in a real yaml-language-server: what is marked, offered and shown while one types."""

import pytest
from language_server import language_server
from paths import ROOT

from dagfactory.project.specs import find_specs

MODELINE = "# yaml-language-server: $schema={}/schema/{}.schema.json\n"
PLACES = {
    "pipeline": ("specs/typed.yaml", ".."),
    "defaults": ("specs/defaults.yaml", ".."),
    "environment": ("specs/environments/typed.yaml", "../.."),
}


class Typed:
    """A text with a `|` where the cursor is, under the name of a kind of file."""

    def __init__(self, server, kind, text):
        place, up = PLACES[kind]
        whole = MODELINE.format(up, kind) + text
        before = whole.partition("|")[0]
        self._server, self._path = server, ROOT / place
        self._at = before.count("\n"), len(before) - before.rfind("\n") - 1
        found = server.findings(self._path, whole.replace("|", "", 1))
        self.findings = [(each["range"]["start"]["line"], each["message"]) for each in found]

    @property
    def offered(self):
        found = self._server.completions(self._path, *self._at)
        return {each["label"]: each["insertText"] for each in found}

    @property
    def shown(self):
        return self._server.hover(self._path, *self._at)


@pytest.fixture(scope="module")
def server():
    with language_server(ROOT) as running:
        yield running


@pytest.fixture(scope="module")
def typed(server):
    return lambda text, kind="pipeline": Typed(server, kind, text)


def task(text):
    return f"pipeline: p\ntasks:\n  a: {text}\n"


FILES = [
    *find_specs([ROOT / "specs"]),
    *(ROOT / "specs").rglob("defaults.yaml"),
    *(ROOT / "specs/environments").glob("*.yaml"),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_projects_files_name_their_schema_and_are_not_marked(server, path):
    text = path.read_text()
    schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve().parent == ROOT / "schema"
    assert server.findings(path, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{type: bsh, command: x}", 'Value is not accepted. Valid values: "a'),
        ("{type: bash, command: x, comand: y}", "Property comand is not allowed."),
        ("{type: bash}", 'Missing property "command".'),
        ("{command: x}", 'Missing property "type".'),
        ("{}", 'Missing property "type".'),
    ],
)
def test_a_mistake_is_marked_once(typed, text, said):
    ((line, found),) = typed(task(text)).findings
    assert line == 3
    assert found.startswith(said)


def test_a_wrong_choice_below_a_task_is_marked(typed):
    text = task("{type: train, module: m, machine: {type: n1-standard-4, provisioning: sopt}}")
    assert any("spot" in found for _, found in typed(text).findings)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (task("\n    type: train\n    |"), {"machine", "args", "retries"}),
        (task("{type: train, ma|}"), {"machine", "args", "retries"}),
        (task("{type: |}"), {"train", "sweep", "gate"}),
        (task("\n    type: train\n    machine: {type: x, prov|}"), {"provisioning", "replicas"}),
        ("pipeline: p\ntasks: {}\nenvironments:\n  prod:\n    |", {"schedule", "defaults", "vars"}),
    ],
)
def test_keys_and_choices_are_offered(typed, text, offered):
    found = typed(text).offered
    assert offered <= found.keys()
    assert not [each for each in found.values() if "null" in each or "[object" in each]


def test_what_a_task_does_is_shown_with_its_type(typed):
    assert (
        "`train`: Run a training program as a Vertex AI job" in typed(task("{type: tr|ain}")).shown
    )


def test_environments_and_defaults_have_schemas_too(typed):
    head = "environment: x\nproject: p-123456\nregion: us-central1\nbucket: gs://bucket\n"
    found = typed(f"{head}projct: y\n", "environment").findings
    assert found == [(5, "Property projct is not allowed.")]
    assert "schedule" in typed(f"{head}pipeline:\n  |", "environment").offered
    found = typed("defaults: {imge: x}\n", "defaults").findings
    assert found == [(1, "Property imge is not allowed.")]
    assert "machine" in typed("defaults:\n  ma|\n", "defaults").offered
