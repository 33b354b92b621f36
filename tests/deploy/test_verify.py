"""Whether a deploy has arrived, and what is said where it has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import made

from dagfactory.deploy.apply import apply, plan_sync
from dagfactory.deploy.carry_out import Origin, Wanted, carry_out, open_place
from dagfactory.deploy.stores.local import LocalStore
from dagfactory.deploy.verified import verified
from dagfactory.deploy.verify import Check, problems
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.language.environment import EnvironmentFile

BUNDLE = made({"etl": "new", "report": "same"})


class Answers:
    """An Airflow whose answers change with each look at its import errors."""

    def __init__(self, *looks: dict[str, str], texts: list[dict[str, str]], version: str) -> None:
        self.looks, self.texts, self.version, self.look = looks, texts, version, -1

    def get(self, *path: str, **_query: object) -> Any:
        assert path == ("importErrors",)
        self.look += 1
        errors = self.looks[min(self.look, len(self.looks) - 1)]
        found = [{"filename": path, "stack_trace": text} for path, text in errors.items()]
        return {"import_errors": found}

    def find(self, *path: str) -> Any:
        texts = self.texts[min(max(self.look - 1, 0), len(self.texts) - 1)]
        if path[0] == "dags":
            return {"file_token": f"token of {path[1]}"} if path[1] in texts else None
        name = path[1].removeprefix("token of ")
        return {"content": texts[name]} if name in texts else None


OLD, NEW = {"etl": "old", "report": "same"}, {"etl": "new", "report": "same"}
TRACE = {"team/etl.py": "Traceback:\n  line 1\nNameError: x"}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.setattr("dagfactory.deploy.waiting.pause", lambda _seconds: None)
    store = LocalStore(tmp_path / "dags/team")
    apply(plan_sync(BUNDLE, store), store)
    return store


def asked(store: LocalStore, airflow: Answers, patience: float = 300.0) -> list[str]:
    return problems(BUNDLE, store, Check(airflow, "team", patience))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_it_waits_until_the_new_texts_are_parsed(store: LocalStore, version: str) -> None:
    airflow = Answers({}, texts=[{}, OLD, OLD, NEW], version=version)
    assert asked(store, airflow) == []
    assert airflow.look == 4


def test_a_new_error_ends_the_wait(store: LocalStore) -> None:
    airflow = Answers({}, {}, TRACE, texts=[OLD], version="v2")
    assert asked(store, airflow) == [
        "team/etl.py is not imported: Traceback: · line 1 · NameError: x"
    ]


def test_an_error_of_before_may_go_away(store: LocalStore) -> None:
    whole = {f"/home/airflow/gcs/dags/{path}": text for path, text in TRACE.items()}
    airflow = Answers(whole, whole, whole, {}, texts=[OLD, OLD, NEW], version="v1")
    assert asked(store, airflow) == []


def test_errors_of_other_files_are_nobodys(store: LocalStore) -> None:
    others = {"etl.py": "x", "other/etl.py": "x", "myteam/etl.py": "x"}
    airflow = Answers({}, others, texts=[OLD], version="v2")
    assert asked(store, airflow, patience=0.0) == ["team/etl.py is not parsed yet"]


def test_an_airflow_that_does_not_answer_is_said(
    store: LocalStore, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow = Answers(texts=[], version="v2")
    airflow.get = silent  # type: ignore[method-assign]
    assert asked(store, airflow) == []
    assert "warning: Airflow was not asked whether" in capsys.readouterr().err


def silent(*_path: str, **_query: object) -> Any:
    raise DagfactoryError("no answer")


def test_files_that_differ_need_no_airflow(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "dags/team/etl.py").write_text("another")
    (tmp_path / "dags/team/report.py").unlink()
    places = [f"{tmp_path}/dags/team/{name}.py" for name in ("etl", "report")]
    assert problems(BUNDLE, store) == [
        f"{place} does not hold what was deployed" for place in places
    ]


def test_a_failure_offers_the_way_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = open_place(str(tmp_path / "dags/other"))
    for text in ("1", "2"):
        wanted = Wanted(made({"etl": text}))
        carry_out(wanted, wanted.plan(place.store), place, Origin("somebody", ""))
    environment = EnvironmentFile.model_validate(
        {
            "environment": "staging",
            "project": "demo-project",
            "region": "us-central1",
            "bucket": "gs://demo-ml",
            "dags": "dags/other",
        }
    )
    ask: Callable[[str], Any] = pytest.fail
    assert verified(made({"etl": "2"}), place, environment, ask)
    (tmp_path / "dags/other/etl.py").write_text("another")
    assert not verified(made({"etl": "2"}), place, environment, ask)
    error = capsys.readouterr().err
    assert f"to go back: dagfactory rollback 1 --env staging --to {tmp_path}/dags/other" in error
