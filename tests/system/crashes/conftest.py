"""An emulator, and the program that runs the steps of tasks against it."""

from __future__ import annotations

import crashes
import pytest
from paths import TESTS

from dagfactory.emulator.client import start


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crashes")
    with (
        start(
            folder / "emulator", slots=8, workdir=TESTS / "runtime", buckets=["demo-ml"]
        ) as emulator,
        crashes.staged(folder, emulator) as running,
    ):
        yield running
