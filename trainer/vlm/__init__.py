"""The ARR-COC selection in front of a Qwen3-VL."""

import importlib.util

from trainer.errors import TrainerError


def need_transformers() -> None:
    """Raise TrainerError where the extra is not installed."""
    if importlib.util.find_spec("transformers") is None:
        raise TrainerError("trainer.vlm needs transformers: pip install 'dagfactory-trainer[vlm]'")
