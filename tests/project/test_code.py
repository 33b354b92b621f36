"""A project's own Python: what of it is read, and what is refused."""

import os

import pytest

from dagfactory.project import code
from dagfactory.project.code import Project


@pytest.fixture
def project(tmp_path):
    """A project with a script, modules, a package and a folder of packages."""
    files = {
        "train.py": "import json\nimport helpers\nfrom layers import block\n",
        "helpers.py": "from settings import RATE\n",
        "settings.py": "RATE = 1\n",
        "unrelated.py": "",
        "layers/block.py": "import train\n",
        "layers/notes.txt": "data of the package",
        "layers/__pycache__/block.pyc": "x",
        "json/data.csv": "not a package",
        "src/captions/__init__.py": "",
        "src/captions/fit.py": "",
        "src/captions/.hidden": "",
        "specs/near.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project((tmp_path / "specs", tmp_path))


def messages(found):
    return [(each.code, each.message) for each in found.problems]


def test_a_script_brings_what_it_imports_from_beside_it(project):
    found = project.script("train.py")
    assert sorted(found.files) == [
        "helpers.py",
        "layers/block.py",
        "layers/notes.txt",
        "settings.py",
        "train.py",
    ]
    assert not found.problems


def test_a_folder_with_packages_and_a_package_itself(project):
    inside = {"captions/__init__.py", "captions/fit.py"}
    assert set(project.package("./src").files) == inside
    assert set(project.package("src/captions").files) == inside
    assert set(project.named("layers").files) == {"layers/block.py", "layers/notes.txt"}


def test_a_path_begins_at_the_spec_or_at_the_project(project):
    assert set(project.script("near.py").files) == {"near.py"}
    assert set(project.script("specs/near.py").files) == {"near.py"}
    assert not project.script("../train.py").problems


@pytest.mark.parametrize(
    ("written", "message", "help_"),
    [
        ("trian.py", "`trian.py` is not a file of the project", "did you mean `train.py`?"),
        ("src", "`src` is not a file of the project", "write the path of a file"),
        (
            "../trian.py",
            "`../trian.py` is not a file of the project",
            "did you mean `../train.py`?",
        ),
        ("../../etc/passwd", "`../../etc/passwd` is not a path within the project", "put the file"),
    ],
)
def test_what_is_not_there(project, written, message, help_):
    (found,) = project.script(written).problems
    assert (found.code, found.message) == ("DF230", message)
    assert found.help.startswith(help_)


def test_nothing_outside_of_the_project_is_read(project, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere")
    (outside / "secret.py").write_text("SECRET = 1\n")
    (tmp_path / "link.py").symlink_to(outside / "secret.py")
    (tmp_path / "src" / "captions" / "link.py").symlink_to(outside / "secret.py")
    (tmp_path / "src" / "more").symlink_to(outside)
    # from the spec's folder this one would lie in the project, where there is none
    relative = os.path.relpath(outside / "secret.py", tmp_path)
    assert messages(project.script(relative)) == [
        ("DF230", f"`{relative}` is not a file of the project")
    ]
    for written in ("link.py", str(outside / "secret.py"), f"../{relative}"):
        found = project.script(written)
        ((code, message),) = messages(found)
        assert code == "DF230"
        assert message.endswith("` is not a path within the project")
    found = project.package("src")
    assert {code for code, _ in messages(found)} == {"DF230"}
    assert len(found.problems) == 2
    assert not any(b"SECRET" in content for content in found.files.values())


def test_a_link_inside_of_the_project_is_followed(project, tmp_path):
    (tmp_path / "src" / "captions" / "settings.py").symlink_to(tmp_path / "settings.py")
    assert project.package("src").files["captions/settings.py"] == b"RATE = 1\n"


def test_a_pipe_is_not_waited_for(project, tmp_path):
    os.mkfifo(tmp_path / "src" / "captions" / "pipe.py")
    assert messages(project.package("src")) == [("DF230", "`captions/pipe.py` cannot be read")]


def test_what_is_too_large(project, tmp_path, monkeypatch):
    monkeypatch.setattr(code, "MOST_BYTES", 5_000_000)
    (tmp_path / "src" / "weights.bin").write_bytes(bytes(5_000_001))
    ((found, _),) = messages(project.package("src"))
    assert found == "DF232"
    monkeypatch.setattr(code, "MOST_FILES", 1)
    ((found, _),) = messages(Project(project.folders).package("layers"))
    assert found == "DF232"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f(:\n", "line 1: invalid syntax"),
        ("x = 1\n  y = 2\n", "line 2: unexpected indent"),
        ("a\0b", "source code string cannot contain null bytes"),
    ],
)
def test_what_is_not_python(project, tmp_path, text, why):
    (tmp_path / "helpers.py").write_text(text)
    assert messages(project.script("train.py")) == [
        ("DF233", f"`helpers.py` is not valid Python: {why}")
    ]


def test_code_is_read_once(project, tmp_path):
    first = project.script("train.py")
    (tmp_path / "train.py").write_text("changed = 1\n")
    assert project.script("train.py") is first
    assert Project(project.folders).script("train.py").files != first.files


@pytest.mark.parametrize("kind", ["script", "package", "named", "text"])
@pytest.mark.parametrize(
    "written", ["a\0/b.py", "x" * 300 + "/b.py", "x" * 5000, "", ".", "\ud800"]
)
def test_names_that_no_file_can_have_are_findings(project, kind, written):
    found = getattr(project, kind)(written)
    problems = [found] if kind == "text" else found.problems
    # `.` is the project itself, which may be a package
    assert written in {"", "."} or [each.code for each in problems] == ["DF230"]


@pytest.mark.parametrize("name", [b"caf\xe9.py", b"a,b.py", b'a"b.py', b"a\nb.py", b"a\x1b[2J.py"])
def test_names_that_a_package_cannot_hold_are_findings(project, tmp_path, name):
    (tmp_path / "odd").mkdir()
    with open(os.path.join(os.fsencode(tmp_path / "odd"), name), "w"):  # noqa: PTH118, PTH123 - bytes
        pass
    found = project.package("odd")
    assert [each.code for each in found.problems] == ["DF230"]
    assert not found.files
    assert found.problems[0].message.isprintable()


@pytest.mark.parametrize(
    "written", ["../../etc/passw", "../../etc/passwd", "/etc/passw", "../../../nothing"]
)
def test_nothing_is_told_of_what_lies_outside(project, written):
    (problem,) = project.script(written).problems
    assert problem.message.endswith("is not a path within the project")
    assert "passwd" not in (problem.help or "")


def test_packages_of_folders_alone_are_brought_along(project, tmp_path):
    (tmp_path / "use.py").write_text("import spaces.models.net\n")
    (tmp_path / "spaces/models").mkdir(parents=True)
    (tmp_path / "spaces/models/net.py").write_text("")
    assert set(project.script("use.py").files) == {"use.py", "spaces/models/net.py"}
