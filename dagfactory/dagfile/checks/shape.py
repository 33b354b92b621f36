"""The syntax tree of a rendered file holds nothing but what a DAG file needs.

Allowed: `from X import Y`; one `with DAG(...) as dag`; inside it task groups, assignments of operator calls
with literal keyword arguments, `a >> b`, and `a.as_teardown(setups=[b])`. This is the seat belt behind
the quoting.
"""

from __future__ import annotations

import ast

ALERTS = {"SlackAlert", "EmailAlert", "PagerDutyAlert", "WebhookAlert", "PythonAlert"}
VALUE_CALLS = frozenset(
    {"datetime", "timedelta", "Param", "float", "literal", "run_deadline", *ALERTS}
    | {"Asset", "StorageAsset", "AssetAll", "AssetAny", "CronTriggerTimetable"}
    | {"AssetOrTimeSchedule", "DatasetOrTimeSchedule"}
)


def check(text: str) -> str | None:
    """Return what does not belong in a DAG file, or None."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"does not parse: {error}"
    # an empty file has no last statement, and is not a DAG file either
    *imports, last = tree.body or [ast.Pass()]
    if not all(isinstance(node, ast.ImportFrom) and not node.level for node in imports):
        return "something other than imports before the DAG"
    names = {
        alias.asname or alias.name
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return _block(last, names)


def _block(node: ast.stmt, names: set[str]) -> str | None:
    """Check one `with DAG/TaskGroup(...) as name:` and everything inside it."""
    if not isinstance(node, ast.With) or len(node.items) != 1:
        return (
            f"line {node.lineno}: expected a with block"
            if hasattr(node, "lineno")
            else "empty file"
        )
    item = node.items[0]
    if not (_call(item.context_expr, names) and isinstance(item.optional_vars, ast.Name)):
        return f"line {node.lineno}: not a plain DAG or task group"
    for statement in node.body:
        problem = _statement(statement, names)
        if problem:
            return problem
    return None


def _statement(node: ast.stmt, names: set[str]) -> str | None:
    """Check a statement inside a block."""
    if isinstance(node, ast.With):
        return _block(node, names)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        fine = isinstance(node.targets[0], ast.Name) and _operator(node.value, names)
    else:
        fine = isinstance(node, ast.Expr) and (_arrow(node.value) or _teardown(node.value))
    return None if fine else f"line {node.lineno}: {type(node).__name__} does not belong here"


def _arrow(node: ast.expr) -> bool:
    """Accept `a >> b` of two names."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.RShift)
        and isinstance(node.left, ast.Name)
        and isinstance(node.right, ast.Name)
    )


def _teardown(node: ast.expr) -> bool:
    """Accept `a.as_teardown(setups=[b, c], on_failure_fail_dagrun=True)`."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(), attr="as_teardown"),
            args=[],
            keywords=[ast.keyword(arg="setups", value=ast.List(elts=setups)), *rest],
        ):
            return all(isinstance(each, ast.Name) for each in setups) and all(
                item.arg and _value(item.value) for item in rest
            )
    return False


def _operator(node: ast.expr, names: set[str]) -> bool:
    """Accept `Name(...)` and `Name.partial(...).expand(...)`."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "expand":
        inner = node.func.value
        mapped = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)
        over = all(item.arg and _mapped_over(item.value) for item in node.keywords)
        return mapped and not node.args and over and _partial(inner, names)
    return _call(node, names)


def _mapped_over(node: ast.expr) -> bool:
    """Accept a value, or `name.output`."""
    match node:
        case ast.Attribute(value=ast.Name(), attr="output"):
            return True
    return _value(node)


def _partial(node: ast.expr, names: set[str]) -> bool:
    """Accept `Name.partial(...)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "partial"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
        and _arguments(node)
    )


def _call(node: ast.expr, names: set[str]) -> bool:
    """Accept a call of an imported name with literal keyword arguments only."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in names
        and not node.args
        and _arguments(node)
    )


def _arguments(node: ast.Call) -> bool:
    """Accept keyword arguments that are values."""
    return not node.args and all(item.arg and _value(item.value) for item in node.keywords)


def _value(node: ast.expr | None) -> bool:
    """Accept a literal, a container of values, or a call that only makes a value."""
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return all(map(_value, elements))
        case ast.Dict(keys=keys, values=values):
            return all(map(_value, keys)) and all(map(_value, values))
        case ast.Call(
            func=ast.Name(id="list"), args=[ast.Call(func=ast.Name(id="range"), args=args)]
        ):
            return all(isinstance(item, ast.Constant) for item in args)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            parts = [*args, *(item.value for item in keywords)]
            return name in VALUE_CALLS and all(map(_value, parts))
    return False
