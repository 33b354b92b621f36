"""A project with one spec, priced as the command prices it."""

import pytest
import yaml

from dagfactory.compiler.compile import compile_spec
from dagfactory.cost.estimate import priced

IMAGE = "us-docker.pkg.dev/p/r/fit:1"
PLACE = {"project": "demo-prod", "region": "us-central1", "bucket": "gs://demo-prod"}


@pytest.fixture
def planned(tmp_path):
    """Plan tasks (a job's `machine` is enough of one) with an environment and a usage file."""

    def plan(tasks, *, usage=None, environment=None, **fields):
        (tmp_path / "environments").mkdir(exist_ok=True)
        (tmp_path / "usage").mkdir(exist_ok=True)
        place = {"environment": "prod", **PLACE, **(environment or {})}
        (tmp_path / "environments" / "prod.yaml").write_text(yaml.safe_dump(place))
        (tmp_path / "usage" / "p.yaml").write_text(yaml.safe_dump(usage or {"tasks": {}}))
        filled = {
            name: task if "type" in task else {"type": "train", "module": "my_team.fit", **task}
            for name, task in tasks.items()
        }
        spec = {"pipeline": "p", "defaults": {"image": IMAGE}, **fields, "tasks": filled}
        path = tmp_path / "p.yaml"
        path.write_text(yaml.safe_dump(spec, sort_keys=False))
        compiled = compile_spec(path, "prod")
        assert compiled.plan, [each.message for each in compiled.diagnostics]
        return compiled.plan

    return plan


@pytest.fixture
def cost(planned):
    return lambda tasks, **said: priced(planned(tasks, **said))
