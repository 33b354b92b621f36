"""Templates that keep the type of their value, where a text is one expression and nothing else."""

from __future__ import annotations

import re
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator
from jinja2 import Environment, meta, nodes

_EXPRESSION = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)


class NativeOperator(BaseOperator):
    """An operator whose templates can become numbers, lists or mappings.

    `"{{ ti.xcom_pull('count') }}"` becomes what `count` returned; with anything beside the
    expression, and everywhere else in Airflow, it becomes text.
    """

    # Not Airflow's `render_template_as_native_obj`: it also turns the text "010" into a number.

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, *rest: Any, **named: Any
    ) -> Any:
        """Render a value, and what is inside it."""
        env = jinja_env or self.get_template_env()
        if isinstance(content, str) and (inner := expression(content, env)):
            return evaluated(inner, context, env)
        return super().render_template(content, context, env, *rest, **named)


def expression(text: str, env: Environment) -> str | None:
    """Return the expression that a template consists of, or None when there is anything else."""
    found = _EXPRESSION.fullmatch(text)
    if not found:
        return None
    # `{{ a }} and {{ b }}` matches too; only the parser knows where an expression ends.
    body = env.parse(text).body
    output = body[0] if len(body) == 1 else None
    alone = isinstance(output, nodes.Output) and len(output.nodes) == 1
    return found[1].strip() if alone else None


def evaluated(inner: str, context: Any, env: Environment, *, undefined_to_none: bool = True) -> Any:
    """Return the value of an expression; what is not defined is None, or jinja2's Undefined."""
    # only the names that it uses: Airflow 2 warns of old ones when they are looked at
    used = meta.find_undeclared_variables(env.parse("{{" + inner + "}}"))
    compiled = env.compile_expression(inner, undefined_to_none=undefined_to_none)
    return compiled({name: context[name] for name in used if name in context})
