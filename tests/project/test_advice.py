"""A command in another folder than the project's says where the project is."""

import pytest

from dagfactory.project.specs import SPECS, NoInputError, find_specs


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("", "start a project with `dagfactory init`"),
        ("src", "the project is further up: cd .."),
        ("src/captions", "the project is further up: cd ../.."),
    ],
)
def test_where_the_project_is(tmp_path, monkeypatch, inside, words):
    if inside:
        (tmp_path / "specs").mkdir()
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / inside)
    with pytest.raises(NoInputError) as caught:
        find_specs([SPECS])
    assert str(caught.value).endswith(words)
