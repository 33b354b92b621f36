"""Regular expressions of a spec: whether Python can read one, and whether a text cannot match."""

from __future__ import annotations

import re


def pattern_problem(pattern: str) -> str | None:
    """Say why Python cannot read a pattern, or return None."""
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    except (RecursionError, OverflowError):
        return "it is nested too deeply"
    return None


def fails(pattern: str, text: str) -> bool:
    """Whether a pattern is found nowhere in a text; False where that cannot be told in linear time.

    Airflow will search with Python's `re`, whose time can double with each letter (`^(a+)+$`). A
    spec of somebody else must not stall a check, so the text is tried with the engine that
    pydantic brings along, which has no backtracking and refuses what would need it.
    """
    from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

    try:
        schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        SchemaValidator(schema).validate_python(text)
    except SchemaError:  # look-around, a reference to a group, or a size beyond its limit
        return False
    except ValidationError:
        # Python's `$` also matches before a last line break, the other engine's does not
        return not text.endswith("\n")
    return False
