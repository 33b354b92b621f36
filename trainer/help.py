"""What `--help` prints: every setting of a program with type, default and meaning."""

import inspect
import textwrap
from typing import Any

from trainer.settings import Settings

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
