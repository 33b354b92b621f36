"""The logs of running tasks, read from their files.

For a running task Airflow 3.3.1 also asks a log server of the worker, which listens on all addresses of the
machine: no setting says another. Here worker and web server share a folder, and the file has been read
by then. Without a log server, whoever else listens on its port would be asked, and what they answer shown.
"""

from typing import Any

from airflow.utils.log.file_task_handler import FileTaskHandler


def _none(*_: Any) -> tuple[list[str], list[Any]]:
    """Return no sources and no logs."""
    return [], []


# there is no setting for it
FileTaskHandler._read_from_logs_server = _none  # type: ignore[method-assign,assignment]  # noqa: SLF001
