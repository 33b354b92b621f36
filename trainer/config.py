"""The command line of every program: settings from arguments and files, checked; `--help`.

Importable without torch. `check(program, values)` serves whoever wants to know, before a machine is
paid for, whether the settings would be accepted.
"""

import difflib
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from trainer.errors import UsageError
from trainer.settings import (
    PROGRAMS,
    SHAPE,
    VARYING,
    PackSettings,
    Settings,
    TexturesSettings,
    TrainSettings,
)

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


LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
}
ENDING = """\
Also: --config=FILE (YAML or JSON), --set key=value, --help. The command line wins over the file,
later over earlier. Manual: docs/trainer.md"""


def describe(kind: type[Settings]) -> str:
    """List the settings of one kind: key, type with its limits, default, meaning."""
    schema = kind.model_json_schema(by_alias=True)["properties"]
    lines = [inspect.cleandoc(kind.__doc__ or ""), "", "Settings, as --key=value:"]
    for name, field in kind.model_fields.items():
        key = field.alias or name
        default = "required" if field.is_required() else f"default {shown(field.default)}"
        lines.append(f"  --{key}  ({type_of(schema[key])}; {default})")
        lines.append(textwrap.fill(field.description or "", 96, initial_indent=" " * 6))
    return "\n".join([*lines, "", ENDING])


def shown(default: object) -> str:
    """Write a default as it would be given."""
    if default is None or isinstance(default, bool):
        return str(default).lower()
    return str(default)


def type_of(schema: dict[str, Any]) -> str:
    """Say in words what a JSON schema allows: `integer, >= 1, < 65`."""
    first = next((part for part in schema.get("anyOf", []) if part["type"] != "null"), schema)
    if "const" in first:
        return str(first["const"])
    if "enum" in first:
        return " | ".join(map(str, first["enum"]))
    kind = {"string": "text"}.get(first["type"], first["type"])
    limits = [text.format(first[key]) for key, text in LIMITS.items() if key in first]
    return ", ".join([kind, *limits])


def read_trials(values: Mapping[str, object]) -> tuple[PackSettings, dict[str, TrainSettings]]:
    """Separate trials from what they share; raise UsageError with one line on a mistake."""
    own = {name: values[name] for name in PackSettings.model_fields if name in values}
    packing = build(PackSettings, own)
    shared = {name: value for name, value in values.items() if name not in own}
    trials = {name: _trial_settings(name, shared, given) for name, given in packing.trials.items()}
    check_alone(trials)
    check_shape(trials)
    return packing, trials


def _trial_settings(
    name: str, shared: Mapping[str, object], given: Mapping[str, object]
) -> TrainSettings:
    """Build the settings of one trial; its own values win. It writes below the common output."""
    values = {**shared, **given}
    if values.get("output"):
        values["output"] = f"{str(values['output']).rstrip('/')}/{name}"
    try:
        return build(TrainSettings, values)
    except UsageError as error:
        raise UsageError(f"trial {name}: {error}") from None


def check_alone(trials: Mapping[str, TrainSettings]) -> None:
    """Raise UsageError for a setting that only a run of its own heeds."""
    for trial, settings in trials.items():
        for name, field in TrainSettings.model_fields.items():
            known = (field.alias or name) in {*VARYING, *SHAPE, "output"}
            if not known and getattr(settings, name) != field.default:
                value = getattr(settings, name)
                raise UsageError(
                    f"trial {trial}: {name}={value} is not for packs; train it alone, without --trials"
                )


def check_shape(trials: Mapping[str, TrainSettings]) -> None:
    """Raise UsageError unless the trials differ in nothing but what may vary."""
    first, *others = trials
    for other in others:
        for name in SHAPE:
            here, there = getattr(trials[first], name), getattr(trials[other], name)
            if here != there:
                raise UsageError(
                    f"trials {first} and {other} differ in {name} ({here} and {there}); "
                    f"trials of a pack may differ in {', '.join(VARYING)}"
                )
