"""Query parameters as typed literals: they are data and cannot change the query.

https://cloud.google.com/bigquery/docs/reference/rest/v2/QueryParameter
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from dagfactory.emulator.bigquery.errors import BigQueryError

Resource = Mapping[str, Any]


def replace_parameters(tree: exp.Expr, given: Sequence[Resource]) -> exp.Expr:
    """Put the values in place of `@name` and `?`; raises BigQueryError when one is missing."""
    named = {str(each["name"]).lower(): each for each in given if each.get("name")}
    unnamed = iter([each for each in given if not each.get("name")])

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            return _literal(_next(unnamed))
        if not isinstance(node, exp.Parameter):
            return node
        if (known := named.get(node.name.lower())) is None:
            message = f"Query parameter '{node.name}' not found"
            raise BigQueryError("invalidQuery", message, "query")
        return _literal(known)

    return tree.transform(replace)


def _next(unnamed: Iterator[Resource]) -> Resource:
    found = next(unnamed, None)
    if found is None:
        raise BigQueryError("invalidQuery", "Query parameter number is out of bounds", "query")
    return found


def _literal(parameter: Resource) -> exp.Expr:
    return _value(parameter["parameterType"], parameter.get("parameterValue") or {})


def _value(kind: Resource, value: Resource) -> exp.Expr:
    match kind["type"].upper():
        case "ARRAY":
            items = [_value(kind["arrayType"], each) for each in value.get("arrayValues") or ()]
            return exp.cast(exp.Array(expressions=items), _type(kind), dialect="bigquery")
        case "STRUCT":
            return exp.Struct(expressions=list(_members(kind, value)))
        case "BYTES" if value.get("value") is not None:
            return exp.FromBase64(this=exp.Literal.string(value["value"]))
    text = value.get("value")
    inner = exp.null() if text is None else exp.Literal.string(str(text))
    return exp.cast(inner, _type(kind), dialect="bigquery")


def _members(kind: Resource, value: Resource) -> Iterator[exp.Expr]:
    values = value.get("structValues") or {}
    for each in kind["structTypes"]:
        name = exp.to_identifier(each["name"], quoted=True)
        member = _value(each["type"], values.get(each["name"]) or {})
        yield exp.PropertyEQ(this=name, expression=member)


def _type(kind: Resource) -> str:
    name: str = kind["type"].upper()
    return f"ARRAY<{_type(kind['arrayType'])}>" if name == "ARRAY" else name
