"""What a pull request brings along: links, pipes, devices, forged manifests, odd names.

Each repository is checked, rendered and compared by the real program, as CI would. A folder beside
it, the stranger's home, must stay as it is, byte for byte, and no byte of it may be printed.
"""

import hashlib
import itertools
import json
import os
import resource
import sys

import processes
import pytest
from paths import ROOT

SPEC = "pipeline: p\nstart_date: 2026-01-05\ntasks:\n  a: {type: bash, command: x}\n"
ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
SECRET = "canary-3f2a9b-private-key\n"
OUT = "build/dev"
COMMANDS = (
    ("check", "specs"),
    ("render", "specs", "--env", "dev"),
    ("render", "specs", "--env", "dev", "--diff"),
    ("render", "specs", "--env", "dev", "--check"),
    ("graph", "specs/p.yaml"),
    ("plan", "specs", "--env", "dev", "--to", OUT, "--out", "build/plan.json"),
    ("sync", "specs", "--env", "dev", "--to", OUT, "--yes"),
    ("import", "specs", "--out", "build/specs", "--force"),
)
SECONDS = 30  # of a loaded machine; a named pipe or a device would never end


def forged(*names, sha256=""):
    files = {name: {"sha256": sha256, "bytes": 1} for name in names}
    return json.dumps({"schema_version": 1, "generator": "dagfactory 0.1.0", "files": files})


def home_link(place, target):
    """A link at a place of the repository to something of the home."""

    def make(repository, home):
        path = repository / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            (path.parent / "moved").mkdir(exist_ok=True)
            path.rename(path.parent / "moved" / path.name)
        path.unlink(missing_ok=True)
        path.symlink_to(home / target if target else home)

    return make


def named_file(place, text):
    def make(repository, _home):
        path = repository / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return make


def pipe(place):
    def make(repository, _home):
        path = repository / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return make


def both(*makers):
    def make(repository, home):
        for each in makers:
            each(repository, home)

    return make


def hashed(*names):
    """A manifest that knows the right hash of a file of the home, as an insider might."""
    return forged(*names, sha256=hashlib.sha256(SECRET.encode()).hexdigest())


LINKS = (
    OUT,
    "specs",
    f"{OUT}/dagfactory_runtime_0",
    f"{OUT}/x",
    "build",
    f"{OUT}/p.py",
    f"{OUT}/manifest.json",
    f"{OUT}/.airflowignore",
)
INPUTS = ("specs/q.yaml", "specs/defaults.yaml", "specs/environments/dev.yaml", "specs/p.yaml")
TARGETS = ("", "deep/../notes.txt", "notes.txt", "deep", "deep/id_rsa", "missing", "specs")
MANIFESTS = (
    forged("x/notes.txt"),
    hashed("x/notes.txt"),
    hashed("x/deep/id_rsa", "x/notes.txt"),
    hashed("../home/notes.txt"),
    hashed("./x/notes.txt", "x//notes.txt", "x\\notes.txt"),
    hashed("notes/notes.txt", "dagfactory_runtime_0/notes.txt", "a/b/c/id_rsa"),
    forged("x", "x/", "notes", "a/b", "p.py/x", sha256="0" * 64),
)
HOSTILE = {
    **{
        f"link {place} -> {target or 'home'}": home_link(place, target)
        for place, target in itertools.product((*LINKS, *INPUTS), TARGETS)
    },
    **{
        f"manifest {number} over {place} -> {target or 'home'}": both(
            home_link(place, target), named_file(f"{OUT}/manifest.json", text)
        )
        for number, text in enumerate(MANIFESTS)
        for place, target in (
            *((f"{OUT}/x", target) for target in TARGETS),
            (f"{OUT}/x/deep", "deep"),
            (f"{OUT}/notes", ""),
            (f"{OUT}/dagfactory_runtime_0", ""),
            (f"{OUT}/a/b/c", "deep"),
        )
    },
    **{f"pipe at {place}": pipe(place) for place in (*LINKS[5:], *INPUTS)},
    **{
        f"{device} at {place}": home_link(place, device)
        for place, device in itertools.product(
            (*LINKS[5:], *INPUTS), ("/dev/zero", "/dev/stdin", "/proc/self/environ", "/etc/passwd")
        )
    },
    **{
        f"module {name}": named_file(
            name, f"import pathlib; pathlib.Path({str(ROOT)!r}, 'executed').touch()\n"
        )
        for name in (
            "yaml.py",
            "click.py",
            "jinja2/__init__.py",
            "specs/yaml.py",
            "sitecustomize.py",
        )
    },
    **{
        f"name {name!r}": named_file(
            f"specs/{name}.yaml", SPEC.replace("pipeline: p", "pipeline: q")
        )
        for name in ("-", "--help", "a\nb", "\x1b[2J", "…", "a b", "$(id)", "'", "%s", "x" * 200)
    },
    "a large manifest": named_file(f"{OUT}/manifest.json", "[" * 3_000_000),
    "a large spec": named_file("specs/q.yaml", "a: " + "b" * 3_000_000),
}
SAMPLE = 24
"""Of these, in every run; `--long` tries all."""


def snapshot(home):
    return {
        str(path.relative_to(home)): path.read_bytes() if path.is_file() else None
        for path in sorted(home.rglob("*"))
    }


@pytest.fixture
def place(tmp_path):
    home, repository = tmp_path / "home", tmp_path / "repository"
    for name in ("notes.txt", "deep/id_rsa", "specs/p.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(SECRET)
    (repository / ".git").mkdir(parents=True)
    (repository / "specs/environments").mkdir(parents=True)
    (repository / "specs/p.yaml").write_text(SPEC)
    (repository / "specs/environments/dev.yaml").write_text(ENVIRONMENT)
    return repository, home


def test_there_are_enough():
    assert len(HOSTILE) >= 200


COST = [0.0]
"""Seconds of CPU of the dearest command."""


def started(repository, command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = processes.run(
        [sys.executable, "-P", "-m", "dagfactory", *command],
        cwd=repository,
        env={**os.environ, "DAGFACTORY_CACHE": str(repository.parent / "cache")},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    COST.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return done


def names():
    chosen = list(HOSTILE)
    if os.environ.get("DAGFACTORY_TEST_SIZE") == "long":
        return chosen
    return chosen[:: len(chosen) // SAMPLE]


@pytest.mark.parametrize("name", names())
def test_nothing_of_the_home_is_read_written_or_removed(name, place):
    repository, home = place
    HOSTILE[name](repository, home)
    before = snapshot(home)
    for command in COMMANDS:
        done = started(repository, command)
        said = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode in (0, 1, 2, 3, 4), f"{command}: {said}"
        assert "Traceback" not in said
        assert "canary" not in said, command
        assert "root:x:" not in said, command
        assert snapshot(home) == before, command
    assert not (ROOT / "executed").exists()


def test_what_it_cost():
    """The largest process is told, not judged: it is that of all tests before."""
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    figures = f"{len(COST) - 1} commands, slowest {max(COST):.2f} s of CPU, largest {most} MB"
    sys.stdout.write(f"{len(names())} hostile repositories: {figures}\n")


JOB = "pipeline: p\ntasks:\n  a: {type: train, image: 'x:1', machine: {type: n1-standard-4}, %s}\n"
CODE = {
    "script": ("train.py", "deep/id_rsa", JOB % "script: train.py"),
    "a script's import": ("notes.py", "notes.txt", JOB % "script: own.py"),
    "package": ("src", "deep", JOB % "package: ./src, module: id_rsa"),
    "a file of a package": ("lib/key.py", "notes.txt", JOB % "package: ./lib, module: key"),
    "requirements": ("needs.txt", "notes.txt", JOB % "script: fit.py, requirements: needs.txt"),
    "code": ("our_team", "deep", SPEC),
    "a device": ("lib/zero.py", "/dev/zero", JOB % "package: ./lib, module: zero"),
}


@pytest.mark.parametrize("name", CODE)
def test_no_code_comes_from_the_home(name, place):
    repository, home = place
    link, target, spec = CODE[name]
    (repository / "own.py").write_text("import notes\n")
    (repository / "fit.py").write_text("import own\n")
    home_link(link, target)(repository, home)
    (repository / "specs/p.yaml").write_text(spec)
    if name == "code":
        (repository / "specs/environments/dev.yaml").write_text(ENVIRONMENT + "code: [our_team]\n")
    done = started(repository, ("render", "specs", "--env", "dev"))
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 1
    assert "DF230" in said
    assert "canary" not in said
    assert not (repository / "build").exists()
