"""A training job's operator whose process dies once, at one request; for a DAG in a real Airflow.

The DAG file imports the runtime under the name of its bundle, so the class is made from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import stage


def dying(base: Any, folder: str) -> Any:
    """Return a subclass that counts its processes in a folder and dies in one of them."""

    class DyingJobOperator(base):  # type: ignore[misc]
        """``death``: in which process, at which request, when."""

        def __init__(self, *, death: list[Any], **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.death = death

        def execute(self, context: Any) -> Any:
            """Run as ever, if it lives."""
            return self._watched(super().execute, context)

        def resume_execution(self, *arguments: Any, **named: Any) -> Any:
            """Resume as ever, if it lives."""
            return self._watched(super().resume_execution, *arguments, **named)

        def _watched(self, method: Any, *arguments: Any, **named: Any) -> Any:
            place = Path(folder, self.task_id)
            place.mkdir(parents=True, exist_ok=True)
            number = len(list(place.iterdir()))
            step, request, moment = self.death
            (place / f"{number}").touch()
            requests = stage.Requests(request if number == step else None, moment)
            requests.watch()
            try:
                return method(*arguments, **named)
            finally:
                if number == step and moment == stage.UNREPORTED:
                    stage.die()

    return DyingJobOperator
