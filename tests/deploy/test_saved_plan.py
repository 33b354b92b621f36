import pytest

from dagfactory.compiler.bundle.bundle import bundle
from dagfactory.deploy.errors import DestinationError
from dagfactory.deploy.saved_plan import SavedPlan, bundle_hashes, read, write
from dagfactory.project.files import FileError

PLAN = SavedPlan(
    environment="prod",
    destination="gs://composer/dags/ml",
    manifest_generation=1_700_000_000_000_001,
    bundle={"manifest.json": "0" * 64},
    specs=["specs"],
    changes={"pipelines": {}},
)


@pytest.mark.parametrize("plan", [PLAN, PLAN.model_copy(update={"manifest_generation": None})])
def test_what_was_written_is_read(tmp_path, plan):
    write(tmp_path / "plan.json", plan)
    assert read(tmp_path / "plan.json") == plan
    write(tmp_path / "again.json", plan)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "plan.json").read_bytes()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"format": 2}', "[" * 100_000, '{"format": 1, "bundle": {}}'],
)
def test_any_other_file_is_not_a_plan(tmp_path, content):
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(DestinationError, match=r"plan\.json is not a plan of this version"):
        read(tmp_path / "plan.json")


def test_a_file_that_is_not_there_is_said_plainly(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read(tmp_path / "plan.json")


def test_every_file_of_a_bundle_has_a_hash():
    made = bundle([], generator="dagfactory", environment="prod")
    assert bundle_hashes(made).keys() == made.files.keys()
