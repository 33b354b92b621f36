"""From what the user names to a folder of DAGs: the seam between the compiler and `run`."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.project.content_name import prefix
from dagfactory.run.events import NotReadyError
from dagfactory.run.go_on import Inputs, inputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.param import Param

# an address, or the argument of a provider's operator that takes bucket and object apart
_BUCKET = re.compile(r"""(?:gs://|bucket\w*(?:=|["']: )["'])([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])""")

_ASKING = frozenset({"approval", "operator"})  # an operator may be one of Airflow's that ask


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder to be Airflow's dags folder, the DAG to run, arguments for the emulator.

    `params` are what the pipeline declares, `asks` says of each of its tasks whether it can ask a person;
    None and empty where that is not known, as are `inputs`.
    """

    dags: Path
    dag_id: str
    emulator: tuple[str, ...] = ()
    target: str = "airflow3"
    params: Mapping[str, Param] | None = None
    asks: Mapping[str, bool] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=Inputs)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the ids of the tasks in the spec's order, groups before their members."""
        return tuple(self.asks)


def prepare(spec: Path, *, environment: str, into: Path) -> Prepared:
    """Render `spec` for `environment` into `into`; a folder counts as rendered already.

    Raises NotReadyError when the spec has errors, which are printed first.
    """
    if spec.is_dir():
        return _rendered(spec)
    # a folder that is rendered already needs no compiler
    from dagfactory.compiler.build import bundled, rendered
    from dagfactory.compiler.bundle.bundle import write
    from dagfactory.compiler.compile import compile_spec
    from dagfactory.report import print_findings

    compiled = compile_spec(spec, environment)
    built, plan = bundled([spec], [rendered(spec, compiled)], environment), compiled.plan
    if print_findings(built.diagnostics, built.sources) or not built.bundle or not plan:
        raise NotReadyError(f"{spec} has errors for the environment {environment}")
    # Airflow puts `dags/` on the path, not what is below: a bundle is imported by its full name
    folder = into.joinpath(*plan.package.split("."))
    write(built.bundle, folder)
    outside = (*_project(plan), *buckets(folder, plan))
    arguments = (*_secrets(plan), *outside, *_fixtures(spec), *_packages(folder))
    target = _target(built.bundle.manifest)
    pipeline = plan.pipeline
    inputs = inputs_of(plan, json.loads(built.bundle.manifest).get("code", ""))
    asks = {name: item.task.type in _ASKING for name, item in plan.tasks.items()}
    return Prepared(into, pipeline.pipeline, arguments, target, pipeline.params, asks, inputs)


def _project(plan: Plan) -> tuple[str, ...]:
    """Give the emulator what the environment says is there: project, bucket, newer machines."""
    if plan.environment is None:
        return ()
    bucket, region = plan.environment.bucket.removeprefix("gs://"), plan.environment.region
    newer = (f"--machine={each}" for each in plan.environment.machines)
    return ("--project", plan.environment.project, f"--bucket={bucket}={region}", *newer)


def buckets(folder: Path, known: Plan | None = None) -> tuple[str, ...]:
    """Name the buckets that DAG files speak of: outside, somebody else has made them."""
    files = [each.read_text(encoding="utf-8") for each in sorted(folder.glob("*.py"))]
    found = {name for text in files for name in _BUCKET.findall(text)}
    own = known.environment.bucket if known and known.environment else ""
    return tuple(f"--bucket={each}" for each in sorted(found) if f"gs://{each}" != own)


def _packages(folder: Path) -> tuple[str, ...]:
    """Put the packages of a bundle where its jobs look for them, as a sync would."""
    address = json.loads((folder / "manifest.json").read_bytes()).get("address")
    files = sorted(folder.resolve().glob(f"{prefix('package')}*/*"))
    return tuple(f"--object={address}/{each.parent.name}/{each.name}={each}" for each in files)


def _fixtures(spec: Path) -> tuple[str, ...]:
    """Name the folder `fixtures/` of the specs: tables and objects that are there from the start."""
    from dagfactory.project.specs import beside

    folder = beside(spec, "fixtures")
    return ("--fixtures", str(folder.resolve())) if folder else ()


def _secrets(plan: Plan) -> tuple[str, ...]:
    """Give the emulator each secret: the name of a variable that has a value here, or a placeholder.

    A value itself would stand in the list of processes for everybody to read.
    """
    arguments: list[str] = []
    for item in plan.tasks.values():
        for variable, secret in (item.task.field("secrets") or {}).items():
            name = secret.split("/secrets/")[-1].split("/")[0]
            if variable in os.environ:
                arguments += ["--secret-from", f"{name}={variable}"]
            else:
                arguments += ["--secret", f"{name}=local-{name}"]
    return tuple(arguments)


def _rendered(folder: Path) -> Prepared:
    """Take a bundle as it is; it must hold exactly one DAG file."""
    files = sorted(folder.glob("*.py"))
    if len(files) != 1:
        raise NotReadyError(
            f"{folder} holds {len(files)} DAG files, `run` takes a folder with exactly one"
        )
    manifest = folder / "manifest.json"
    if not manifest.exists():  # DAGs written by hand have none
        return Prepared(folder, files[0].stem, buckets(folder))
    arguments = (*buckets(folder), *_packages(folder))
    return Prepared(folder, files[0].stem, arguments, _target(manifest.read_bytes()))


def _target(manifest: bytes) -> str:
    """Return the Airflow line that a bundle was rendered for."""
    return str(json.loads(manifest)["target"])
