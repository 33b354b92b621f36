"""The program of a W&B sweep and its `command`, with the macros that W&B's agent replaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagfactory.document.reference import escape
from dagfactory.importers._container import named

if TYPE_CHECKING:
    from dagfactory.importers._search import Search

_DEFAULT = ("${env}", "${interpreter}", "${program}", "${args}")
STYLES = {
    "${args}": "gnu",
    "${args_no_hyphens}": "hydra",
    "${args_no_boolean_flags}": "argparse",
}
"""How each macro writes a hyperparameter, as `arguments` calls it."""

REFUSED = {
    "${args_json}": "all hyperparameters in one argument",
    "${args_json_file}": "a file of hyperparameters",
    "${args_no_equals}": "the name and the value as two arguments",
}
"""The macros that hand hyperparameters over in a way that a job does not have."""

_REMEDY = "let the program read `--name=value`, and write `${args}`"
_MACRO = re.compile(r"\$\{[^}]*\}")
_PATH = ("command",)


def fill_program(search: Search) -> str:
    """Set what the job runs; return how it gets its arguments."""
    words = [str(each.value) for each in search.items(_PATH)] or list(_DEFAULT)
    style = _style(search, words)
    made = _replaced(search, [each for each in words if each not in STYLES and each != "${env}"])
    program = search.text(("program",))
    words = made[2:]
    # with words behind it, a program that is in an image is a command of it
    alone = not words or not search.text(("image_uri",))
    if made[:2] == ["python", program] and program.endswith(".py") and alone:
        search.sweep["script"] = escape(program)
        if words:
            search.sweep["positional"] = [escape(each) for each in words]
    elif made:
        search.sweep["command"] = [escape(each) for each in made]
    if style != "gnu":
        search.sweep["arguments"] = style
    return style


def _style(search: Search, words: list[str]) -> str:
    """Return how the command writes arguments; they have to come last."""
    places = [at for at, word in enumerate(words) if word in STYLES]
    if len(places) > 1:
        message = "the hyperparameters are handed over twice"
        search.refuse((*_PATH, places[1]), message, f"delete `{words[places[1]]}`")
    elif places and places[0] != len(words) - 1:
        _not_last(search, words, places[0])
    elif not places and not REFUSED.keys() & set(words):
        message = "without `${args}` the program reads `wandb.config`; a job hands over arguments"
        search.add("changed", _PATH, message, "let the program read `--name=value`")
    return STYLES[words[places[0]]] if places else "gnu"


def _not_last(search: Search, words: list[str], place: int) -> None:
    """Say that the hyperparameters come behind the words after them, where those are all options."""
    if named(words[place + 1 :]) is not None:
        message = "the hyperparameters come behind the other options"
        search.add("form", (*_PATH, place), message)
        return
    remedy = f"move `{words[place]}` to the end"
    search.refuse((*_PATH, place), "arguments come last here", remedy)


def _replaced(search: Search, words: list[str]) -> list[str]:
    """Return the command with the program and the interpreter in it."""
    program = search.text(("program",))
    known = {"${interpreter}": "python", "${program}": program}
    if "${program}" in words and not program:
        remedy = "add `program: train.py`"
        search.refuse(("method",), "it has no `program`: W&B's agent gets a function", remedy)
    for word in words:
        for macro in _MACRO.findall(word):
            if macro not in known or word != macro:
                _refuse_macro(search, word, macro)
    return [known.get(word, word) for word in words]


def _refuse_macro(search: Search, word: str, macro: str) -> None:
    at = next(place for place, each in enumerate(search.items(_PATH)) if str(each.value) == word)
    if macro in REFUSED:
        message = f"`{macro}` hands over {REFUSED[macro]}"
        search.refuse((*_PATH, at), message, _REMEDY)
    elif macro.startswith("${envvar:"):
        message = f"`{macro}` is a variable of the machine that W&B's agent runs on"
        search.refuse((*_PATH, at), message, "write its value")
    else:
        message = f"`{macro}` stands inside a word, or is no macro of W&B"
        search.refuse((*_PATH, at), message, "write the word out")
