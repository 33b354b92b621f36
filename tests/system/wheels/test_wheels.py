"""The two wheels: the compiler works without the trainer, and knows its arguments all the same."""

import os
import sys
import sysconfig
import zipfile
from pathlib import Path

import processes
import pytest

ROOT = Path(__file__).parents[3]
OFFLINE = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
WRONG = ("textures: sort-of-clevr", "textures: sort-of-clevr, learning_rat: 1")
TOLD = "`trainer` has no argument `learning_rat`"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Both wheels, built from the checkout: the compiler's, the trainer's."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, ROOT / "trainer"):
        command = [sys.executable, "-m", "pip", "wheel", *OFFLINE, "--no-build-isolation"]
        processes.run([*command, f"--wheel-dir={folder}", str(source)], check=True)
    return tuple(
        next(folder.glob(f"{name}-*.whl")) for name in ("dagfactory", "dagfactory_trainer")
    )


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def top_level(wheel):
    return {name.partition("/")[0] for name in names(wheel)}


def install(wheels, target):
    """Install wheels into a folder; returns a function that runs a module from there alone."""
    command = [sys.executable, "-m", "pip", "install", *OFFLINE, f"--target={target}"]
    processes.run([*command, *map(str, wheels)], check=True)
    # -S leaves out the .pth files, and with them the checkout; the libraries come as a plain folder.
    path = os.pathsep.join([str(target), sysconfig.get_path("purelib")])
    env = {
        **os.environ,
        "PYTHONPATH": path,
        "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin",
    }

    def run(folder, *arguments):
        command = [sys.executable, "-S", "-P", *arguments]
        return processes.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def compiler(wheels, tmp_path_factory):
    """Python with the compiler's wheel alone."""
    return install(wheels[:1], tmp_path_factory.mktemp("compiler"))


@pytest.fixture
def project(compiler, tmp_path):
    """A fresh project of `dagfactory init`."""
    done = compiler(tmp_path, "-m", "dagfactory", "init", ".")
    assert done.returncode == 0, done.stderr
    return tmp_path


def change(path, old, new):
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def mistake(project):
    change(project / "specs" / "first.yaml", *WRONG)


def unknown_image(project):
    for path in (project / "specs" / "environments").glob("*.yaml"):
        change(path, "/dagfactory-trainer:", "/anything:")


def test_each_wheel_has_its_own_names(wheels):
    compiler, trainer = wheels
    assert top_level(compiler) == {"dagfactory", compiler.name.rsplit("-", 3)[0] + ".dist-info"}
    assert top_level(trainer) == {"trainer", trainer.name.rsplit("-", 3)[0] + ".dist-info"}
    assert "dagfactory/py.typed" in names(compiler)
    assert "trainer/py.typed" in names(trainer)
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "trainer").rglob("*.py")}
    assert {name for name in names(trainer) if name.endswith(".py")} == code


def test_the_settings_travel_unchanged(wheels):
    with zipfile.ZipFile(wheels[0]) as archive:
        carried = archive.read("dagfactory/catalogue/trainer_settings.py")
    assert carried == (ROOT / "trainer" / "settings.py").read_bytes()


def test_there_is_no_trainer_in_the_compilers_wheel(compiler, tmp_path):
    done = compiler(tmp_path, "-c", "import dagfactory; import trainer")
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'trainer'\n")


@pytest.mark.parametrize("command", ["check", "render --env prod --out built", "explain DF313"])
def test_the_compiler_works_from_its_wheel(compiler, project, command):
    done = compiler(project, "-m", "dagfactory", *command.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_argument_is_found_without_the_trainer(compiler, project):
    mistake(project)
    done = compiler(project, "-m", "dagfactory", "check")
    assert done.returncode == 1
    assert TOLD in done.stdout + done.stderr


def test_of_an_unknown_image_nothing_is_said(compiler, project):
    mistake(project)
    unknown_image(project)
    done = compiler(project, "-m", "dagfactory", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trainer_of_the_projects_own_is_left_alone(compiler, project):
    mistake(project)
    (project / "src" / "trainer").mkdir(parents=True)
    (project / "src" / "trainer" / "__init__.py").write_text("raise SystemExit('imported')\n")
    done = compiler(project / "specs", "-m", "dagfactory", "check", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_beside_the_trainers_wheel_a_wrong_argument_is_found_in_any_image(
    wheels, project, tmp_path_factory
):
    both = install(wheels, tmp_path_factory.mktemp("both"))
    mistake(project)
    unknown_image(project)
    done = both(project, "-m", "dagfactory", "check")
    assert done.returncode == 1
    assert TOLD in done.stdout + done.stderr
    data = both(project, "-m", "trainer.data", "--images=2", "--held_out=1", "--output=out")
    assert data.returncode == 0, data.stderr
