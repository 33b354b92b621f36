"""`python -m trainer.vlm`: train the selection in front of a frozen Qwen3-VL."""

import importlib.util
import sys
from collections.abc import Sequence

from trainer.config import asks_for_help, parse
from trainer.errors import TrainerError, run_program
from trainer.vlm.settings import VlmSettings


def main(argv: Sequence[str]) -> int:
    """Train; returns the exit code."""
    if asks_for_help(argv):
        parse(VlmSettings, argv)  # before torch is imported, which takes seconds
    need_transformers()
    from trainer.vlm import train

    return train.main(argv)


def need_transformers() -> None:
    """Raise TrainerError where the extra is not installed."""
    if importlib.util.find_spec("transformers") is None:
        raise TrainerError("trainer.vlm needs transformers: pip install 'dagfactory[vlm]'")


if __name__ == "__main__":
    sys.exit(run_program(main))
