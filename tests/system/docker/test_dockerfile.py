"""The Dockerfile as far as it can be judged without a daemon: it was never built here."""

import ast
import fnmatch
import json
import re
import shutil
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
LOCK = ROOT / "requirements" / "image.txt"
# modules whose package has another name
NAMES = {"PIL": "pillow", "yaml": "pyyaml", "google": "google-auth"}


def instructions():
    """(instruction, argument) in order, continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in whole.splitlines() if line.strip()]


def arguments(name):
    return [argument for instruction, argument in instructions() if instruction == name]


def locked(path):
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


def test_hadolint_finds_nothing():
    program = Path(sys.executable).with_name("hadolint")
    done = processes.run([program, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_a_version_and_can_be_a_digest():
    assert instructions()[0][0] == "ARG"
    assert re.fullmatch(r"BASE=python:3\.11\.\d+-slim-bookworm", instructions()[0][1])
    assert {argument.split()[0] for argument in arguments("FROM")} == {"${BASE}"}


def test_what_is_copied_exists_and_is_let_through():
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    copied = [each.split() for each in arguments("COPY") if not each.startswith("--from")]
    assert copied
    for *sources, _ in copied:
        for source in sources:
            path = ROOT / source
            files = [path] if path.is_file() else list(path.rglob("*.py"))
            assert files, source
            for file in files:
                name = file.relative_to(ROOT).as_posix()
                globs = [each.replace("**/", "*") for each in kept]
                assert any(fnmatch.fnmatch(name, each) for each in globs), name


def test_every_pip_line_installs_the_lock_with_hashes():
    lines = [part for run in arguments("RUN") for part in run.split("&&") if "pip" in part]
    assert len(lines) == 1
    assert {"--require-hashes", "--no-cache-dir", "--only-binary=:all:"} < set(lines[0].split())
    assert lines[0].split()[-2:] == ["-r", "/tmp/image.txt"]
    blocks = re.split(r"\n(?=[a-z0-9-]+==)", LOCK.read_text().strip())
    assert len(blocks) == len(locked(LOCK))
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_has_the_versions_that_the_tests_run_with():
    tested = locked(ROOT / "requirements" / "airflow3.txt") | locked(
        ROOT / "requirements" / "torch.txt"
    )
    image = locked(LOCK)
    shared = image.keys() & tested.keys()
    assert {"torch", "numpy", "pydantic", "safetensors", "transformers"} <= shared
    assert {name: image[name] for name in shared} == {name: tested[name] for name in shared}


def test_the_lock_holds_everything_that_the_trainer_imports():
    found = set()
    for path in (ROOT / "trainer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    packages = {NAMES.get(name, name) for name in found - sys.stdlib_module_names - {"trainer"}}
    assert packages <= locked(LOCK).keys()


def test_nothing_runs_as_root():
    users = arguments("USER")
    assert users[-1].isdecimal()
    assert int(users[-1]) > 0
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert "RUN" not in order[order.index("USER") :]


def test_layers_go_from_what_changes_seldom_to_what_changes_often():
    text = [" ".join(each) for each in instructions()]
    places = [
        next(n for n, line in enumerate(text) if part in line)
        for part in ("pip install", "apt-get", "COPY --from", "COPY trainer", "LABEL")
    ]
    assert places == sorted(places)


def test_labels_say_what_it_is():
    (labels,) = arguments("LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_the_entrypoint_runs_from_what_is_copied(tmp_path):
    """The copied files alone, without this repository on the path."""
    (command,) = arguments("ENTRYPOINT")
    program, *rest = json.loads(command)
    assert program == "python"
    shutil.copytree(ROOT / "trainer", tmp_path / "app" / "trainer")
    environment = {"PYTHONPATH": str(tmp_path / "app"), "PYTHONSAFEPATH": "1", "PATH": ""}
    done = processes.run(
        [sys.executable, *rest, "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "python -m trainer" in done.stdout


@pytest.mark.parametrize("name", ["PYTHONUNBUFFERED", "NVIDIA_VISIBLE_DEVICES", "HF_HUB_OFFLINE"])
def test_the_environment_is_set(name):
    assert any(f"{name}=" in each for each in arguments("ENV"))
