"""Settings from the command line and from files, checked; importable without torch.

`read_values` and `build` serve the programs themselves; `check(program, values)` serves whoever
wants to know, before a machine is paid for, whether the settings would be accepted.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from trainer.errors import UsageError
from trainer.settings import (
    DataSettings,
    EvaluateSettings,
    Settings,
    TexturesSettings,
    TrainSettings,
)
from trainer.vlm.settings import VlmEvaluateSettings, VlmSettings
from trainer.vqa_settings import VqaExportSettings, VqaSettings

PROGRAMS: dict[str, type[Settings]] = {
    "trainer": TrainSettings,
    "trainer.data": DataSettings,
    "trainer.textures": TexturesSettings,
    "trainer.evaluate": EvaluateSettings,
    "trainer.vqa": VqaSettings,
    "trainer.vqa_export": VqaExportSettings,
    "trainer.vlm": VlmSettings,
    "trainer.vlm.evaluate": VlmEvaluateSettings,
}


Kind = TypeVar("Kind", bound=BaseModel)
Program = TypeVar("Program", bound=Settings)


def check(program: str, values: Mapping[str, object]) -> Settings:
    """Validate the settings of a program; raise UsageError with one line on a mistake."""
    textures = program == "trainer" and values.get("stage") == "textures"
    return build(TexturesSettings if textures else PROGRAMS[program], values)


def build(kind: type[Kind], values: Mapping[str, object]) -> Kind:
    """Validate settings of one kind; raise UsageError with one line for the first mistake."""
    known = [field.alias or name for name, field in kind.model_fields.items()]
    for key in values:
        if key not in known:
            raise UsageError(_unknown(key, known))
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise UsageError(_first_mistake(error)) from None


def parse(kind: type[Program], argv: Sequence[str]) -> Program:
    """Read settings of one kind from the command line; `--help` lists them and leaves."""
    if asks_for_help(argv):
        from trainer.help import describe

        print(describe(kind))
        raise SystemExit(0)
    return build(kind, read_values(argv))


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether `--help` or `-h` is among the arguments."""
    return "--help" in argv or "-h" in argv


def read_values(argv: Sequence[str]) -> dict[str, object]:
    """Read `--config FILE`, `--set k=v` and `--key=value`, in order, the later one winning."""
    values: dict[str, object] = {}
    overrides: dict[str, object] = {}
    for key, text in _pairs(argv):
        if key == "config":
            values.update(_read_file(text))
        elif key == "set":
            overrides.update([_assignment(text)])
        else:
            overrides[key] = _value(text)
    return values | overrides


def _pairs(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Split `--key=value` and `--key value` into pairs."""
    rest = iter(argv)
    for argument in rest:
        if not argument.startswith("--"):
            raise UsageError(f"unexpected argument {argument!r}; settings are --key=value")
        key, equals, text = argument[2:].partition("=")
        value = text if equals else next(rest, None)
        if value is None:
            raise UsageError(f"--{key} needs a value: --{key}=…")
        yield key, value


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set needs key=value, not {text!r}")
    return key, _value(value)


def _value(text: str) -> object:
    """Read lists and mappings as JSON; everything else is text that pydantic converts."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_file(name: str) -> dict[str, object]:
    """Read a YAML or JSON mapping of settings."""
    import yaml

    try:
        loaded = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot read --config {name}: {reason}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"--config {name} must hold a mapping of settings")
    return {str(key): value for key, value in loaded.items()}


def _unknown(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"
    return f"unknown setting {key!r}; {hint}"


def _first_mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"])
    given = "" if first["type"] == "missing" else f" (given {first['input']!r})"
    return f"setting {key!r}: {first['msg']}{given}"
