"""Functions as their source shows them; what only a run could tell is unknown, never guessed."""

import pytest

from dagfactory.catalogue.function_signature import Found, find_function

FILES = {
    "team/__init__.py": b"from .fit import run as go\nfrom team.fit import page\nfrom . import fit\n",
    "team/fit.py": b"""\
import functools, sys
from os import getcwd
raise SystemExit("this module is never imported")
def run(day, /, limit=3, *, rate, seed=0, **rest): ...
def page(context, *more): ...
async def later(): ...
@functools.cache
def decorated(a): ...
class Job: ...
assigned = functools.partial(run, 1)
try:
    from fast import twice
except ImportError:
    def twice(a): ...
if sys.platform == "win32":
    other = 1
else:
    def only_here(a): ...
for looped in (): ...
with open("x") as opened: ...
""",
    "team/star.py": b"from team.fit import *\n",
    "team/lazy.py": b"def __getattr__(name): ...\n",
    "team/dynamic.py": b"globals()['made'] = print\n",
    "team/circle.py": b"from team.circle import again\n",
    "team/words.txt": b"",
}


def found(path):
    return find_function(path, FILES)


def test_parameters_in_all_their_kinds():
    parameters = found("team.fit.run").parameters
    assert parameters.positional == ("day", "limit")
    assert (parameters.only, parameters.named) == (1, ("rate", "seed"))
    assert parameters.required == {"day", "rate"}
    assert parameters.open
    assert not parameters.any_position
    assert found("team.fit.page").parameters.any_position
    assert found("team.fit.later").parameters.positional == ()


def test_a_function_is_found_where_it_comes_from():
    assert found("team.go") == found("team.fit.run")
    assert found("team.page") == found("team.fit.page")
    assert found("team.fit.only_here").parameters.positional == ("a",)


@pytest.mark.parametrize(
    "path",
    [
        *("team.fit.decorated", "team.fit.Job", "team.fit.assigned", "team.fit.twice"),
        *("team.fit.looped", "team.fit.opened", "team.fit.getcwd", "team.fit"),
        *("team.star.anything", "team.lazy.anything", "team.dynamic.made", "team.circle.again"),
    ],
)
def test_what_cannot_be_told_is_unknown(path):
    assert found(path) == Found(exists=True)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("team.fit.rnu", "team.fit.run"),
        ("team.fti.run", "team.fit.run"),
        ("team.fit.Job.run", "team.fit.run"),
        ("team.fit.a", "team.fit.page"),
    ],
)
def test_what_is_certainly_not_there(path, near):
    assert not found(path).exists
    assert near in found(path).names
