"""Whole documents to damage, and what the front of the compiler says of the result."""

import copy
import json
import re
import shutil
from itertools import count

from paths import ROOT, TESTS

from dagfactory.compiler.compile import compile_spec, front_end
from dagfactory.compiler.parse import parse
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load

_FENCE = re.compile(r"^```yaml(?: repaired)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def texts(pages=("language", "errors")):
    """Return name → text of every valid spec: the project's, its examples, those of some pages."""
    specs = [
        path
        for path in sorted(ROOT.glob("specs/**/*.yaml"))
        if path.parent.name != "environments" and path.name != "defaults.yaml"
    ]
    found = {path.name: path.read_text(encoding="utf-8") for path in specs}
    found["every_key.yaml"] = (TESTS / "tasks/every_key.yaml").read_text(encoding="utf-8")
    for page in pages:
        text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
        found |= {f"{page}-{n}.yaml": each for n, each in enumerate(_FENCE.findall(text))}
    return found


def documents(pages=("language", "errors")):
    """Return name → plain data of every valid spec; patches are left out, only a choice reads them."""
    found = {}
    for name, text in texts(pages).items():
        node = load(SourceFile(name, text))[0]
        if node is not None and isinstance(node.value, dict):
            found[name] = node.plain()
            found[name].pop("environments", None)
    return found


class Bench:
    """A folder with the project's environments in which damaged specs are checked, one path each.

    A path of its own: the loader keeps what it read by path, time and size.
    """

    def __init__(self, folder):
        self.folder = folder / "specs"
        shutil.copytree(ROOT / "specs", self.folder)
        self.numbers = count()

    def write(self, text):
        path = self.folder / f"m{next(self.numbers)}.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return path

    def front(self, data):
        """Return the findings of loading, resolving and validating data."""
        path = self.write(json.dumps(data))
        try:
            return front_end(parse(path, "dev"), "dev").diagnostics
        finally:
            path.unlink()

    def whole(self, text):
        """Return the findings of every pass over a text."""
        path = self.write(text)
        try:
            return compile_spec(path, "dev").diagnostics
        finally:
            path.unlink()


def places(data, path=()):
    """Yield the path of every value but the root."""
    steps = data.items() if isinstance(data, dict) else enumerate(data)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, dict | list):
            yield from places(value, (*path, step))


def at(data, path):
    for step in path:
        data = data[step]
    return data


def renamed(data, path, key):
    """Return a copy in which the key at `path` is called `key`, in its old place; None if it is taken."""
    made = copy.deepcopy(data)
    parent = at(made, path[:-1])
    if key in parent:
        return None
    items = [(key if name == path[-1] else name, value) for name, value in parent.items()]
    parent.clear()
    parent.update(items)
    return made


def replaced(data, path, value):
    """Return a copy with another value at `path`."""
    made = copy.deepcopy(data)
    at(made, path[:-1])[path[-1]] = value
    return made
