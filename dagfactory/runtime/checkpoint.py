"""Refuse a checkpoint that is damaged, unfinished, diverged or lacks a part of the model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException

from . import manifest
from .base import ConnectedOperator
from .storage import StorageClient

CHUNK = 8 * 1024 * 1024
"""Bytes hashed at a time: a file of a checkpoint can be larger than a worker's memory."""


class ValidateCheckpointOperator(ConnectedOperator):
    """Check the newest finished step under ``checkpoint``, file by file.

    ``require``: ``states`` that must be there and finite, ``max_loss``, ``complete``, ``min_step``,
    and ``verify`` (``sha256``, the default, or ``size``). Every failed check is in the one
    AirflowFailException. XCom: ``{"checkpoint", "step", "loss", "checks"}``.
    """

    template_fields: Sequence[str] = (*ConnectedOperator.template_fields, "checkpoint", "require")
    template_fields_renderers: ClassVar[dict[str, str]] = {"require": "json"}

    def __init__(self, *, checkpoint: str, require: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint = checkpoint
        self.require = require

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Run every check; return what was checked or raise with all that failed."""
        store = self.store()
        sizes = store.sizes(self.checkpoint)
        directory = manifest.newest(sizes)
        if directory is None:
            raise AirflowFailException(self._nothing(sizes))
        document = self._manifest(store, directory)
        checks = list(self._checks(store, document, directory, sizes))
        self._report(directory, checks)
        return {
            "checkpoint": directory,
            "step": document["step"],
            "loss": document["loss"],
            "checks": [f"{item['check']}: {item['detail']}" for item in checks],
        }

    def _nothing(self, sizes: dict[str, int]) -> str:
        unfinished = manifest.unfinished(sizes)
        found = f"{len(sizes)} object(s), {unfinished} unfinished save(s)"
        return f"{self.checkpoint} holds no finished checkpoint (step-*/manifest.json): {found}"

    def _manifest(self, store: StorageClient, directory: str) -> Any:
        try:
            return store.read_json(f"{directory}/manifest.json")
        except ValueError as error:
            raise AirflowFailException(f"{directory}/manifest.json is not JSON: {error}") from error

    def _checks(
        self, store: StorageClient, document: Any, directory: str, sizes: dict[str, int]
    ) -> Iterator[manifest.Check]:
        yield from manifest.checks(document, self.require)
        for check in manifest.file_checks(document, directory, sizes):
            yield check
            # Sizes come with the listing; only a file of the right size is worth a download.
            name = check["check"].removeprefix("size of ")
            if check["passed"] and self.require.get("verify", "sha256") != "size":
                want = document["files"][name].get("sha256")
                yield manifest.hash_check(name, want, _sha256(store, f"{directory}/{name}"))

    def _report(self, directory: str, checks: list[manifest.Check]) -> None:
        failed = [item for item in checks if not item["passed"]]
        for item in checks:
            word = "ok" if item["passed"] else "FAILED"
            self.log.info("%-6s %s: %s", word, item["check"], item["detail"])
        if failed:
            lines = "\n".join(f"  {item['check']}: {item['detail']}" for item in failed)
            message = f"{directory} failed {len(failed)} of {len(checks)} checks:\n{lines}"
            # without retries: the files of a finished step do not change
            raise AirflowFailException(message)


def _sha256(store: StorageClient, address: str) -> str:
    digest = hashlib.sha256()
    with store.open(address) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
