"""Refuse a checkpoint that is damaged, unfinished, diverged or lacks a part of the model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException

from . import foreign_checkpoint, links, manifest, storage
from .base import ConnectedOperator

CHUNK = 8 * 1024 * 1024
"""Bytes hashed at a time: a file of a checkpoint can be larger than a worker's memory."""


class ValidateCheckpointOperator(ConnectedOperator):
    """Check the newest finished step under ``checkpoint``, file by file.

    A step is ``step-N/`` with a manifest, Hugging Face's ``checkpoint-N/``, or one file of weights.
    ``require``: ``states`` that must be there and finite, ``max_loss``, ``complete``, ``min_step``,
    and ``verify`` (``sha256``, the default, or ``size``). Every failed check is in the one
    AirflowFailException. XCom: ``{"checkpoint", "step", "loss", "checks"}``.
    """

    template_fields: Sequence[str] = (*ConnectedOperator.template_fields, "checkpoint", "require")
    template_fields_renderers: ClassVar[dict[str, str]] = {"require": "json"}
    operator_extra_links = links.offered(links.FOLDER)

    def __init__(self, *, checkpoint: str, require: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint = checkpoint
        self.require = require

    def execute(self, context: Any) -> dict[str, Any]:
        """Run every check; return what was checked or raise with all that failed."""
        links.push(self, context["ti"], {links.FOLDER: links.storage(self.checkpoint)})
        store = self.store()
        sizes = store.sizes(self.checkpoint)
        directory, document, checks = self._read(store, sizes)
        self._report(directory, checks)
        return {
            "checkpoint": directory,
            "step": document.get("step"),
            "loss": document.get("loss"),
            "checks": [f"{item['check']}: {item['detail']}" for item in checks],
        }

    def reads(self) -> Iterable[str]:
        """Return the folder of checkpoints."""
        return [self.checkpoint]

    def _read(
        self, store: storage.StorageClient, sizes: dict[str, int]
    ) -> tuple[str, Any, list[manifest.Check]]:
        """Return the newest checkpoint, what it says of itself, and every check."""
        directory = manifest.newest(sizes)
        if directory:
            document = self._manifest(store, f"{directory}/manifest.json")
            return directory, document, list(self._checks(store, document, directory, sizes))
        found = foreign_checkpoint.find(sizes, self.checkpoint)
        if found is None:
            raise AirflowFailException(self._nothing(sizes))
        try:
            document = foreign_checkpoint.document(store, found)
        except (ValueError, TypeError) as error:  # not JSON, or not an object
            raise AirflowFailException(f"{found.state} cannot be read: {error}") from error
        states = self.require.get("states") or []
        rest = {name: value for name, value in self.require.items() if name != "states"}
        content = foreign_checkpoint.file_checks(store, found, states)
        return found.place, document, [*manifest.checks(document, rest), *content]

    def _nothing(self, sizes: dict[str, int]) -> str:
        unfinished = manifest.unfinished(sizes)
        found = f"{len(sizes)} object(s), {unfinished} unfinished save(s)"
        kinds = "step-*/manifest.json, checkpoint-*/trainer_state.json, or a file of weights"
        return f"{self.checkpoint} holds no finished checkpoint ({kinds}): {found}"

    def _manifest(self, store: storage.StorageClient, address: str) -> Any:
        try:
            return store.read_json(address)
        except ValueError as error:
            raise AirflowFailException(f"{address} is not JSON: {error}") from error

    def _checks(
        self, store: storage.StorageClient, document: Any, directory: str, sizes: dict[str, int]
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


def _sha256(store: storage.StorageClient, address: str) -> str:
    digest = hashlib.sha256()
    with store.open(address) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
