"""The list that a mapped task runs over, where only the run knows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, conf

from .native import NativeOperator


class ItemsOperator(NativeOperator):
    """Return the items of a list as Airflow maps them: each as the `params` of one task.

    ``items`` is a template for a list, or for the text of one in JSON, as a shell command prints it.
    Raises AirflowFailException for anything else, and for more items than Airflow maps over.
    """

    template_fields: Sequence[str] = ("items",)

    def __init__(self, *, items: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items

    def execute(self, context: Any) -> list[dict[str, Any]]:
        """Read the list and return one mapping for each item."""
        del context
        items = _listed(self.items)
        # Airflow would fail this task too, but retry it first: a list does not become shorter.
        most = conf.getint("core", "max_map_length", fallback=1024)
        if len(items) > most:
            raise AirflowFailException(
                f"{len(items)} items are more than the {most} of [core] max_map_length"
            )
        self.log.info("%d items", len(items))
        # Airflow maps arguments, and `params` is the one that every operator has. The key is one that no
        # run's `conf` replaces by chance.
        return [{"for_each": item} for item in items]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):  # a shell command's XCom is the last line that it printed
        try:
            value = json.loads(value)
        except ValueError:
            raise AirflowFailException(f"not a list: the text {value[:200]!r}") from None
    if isinstance(value, str | bytes | dict) or not isinstance(value, Sequence):
        raise AirflowFailException(f"not a list: {type(value).__name__} {str(value)[:200]}")
    return list(value)
