"""What holds for every test: the cache of whoever runs them is left alone."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    os.environ["DAGFACTORY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
