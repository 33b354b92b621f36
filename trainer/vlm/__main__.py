"""`python -m trainer.vlm`: train the selection in front of a frozen Qwen3-VL."""

import sys
from collections.abc import Sequence

from trainer.config import asks_for_help, parse
from trainer.errors import run_program
from trainer.settings import VlmSettings
from trainer.vlm import need_transformers


def main(argv: Sequence[str]) -> int:
    """Train; returns the exit code."""
    if asks_for_help(argv):
        parse(VlmSettings, argv)  # before torch is imported, which takes seconds
    need_transformers()
    from trainer.vlm import train

    return train.main(argv)


if __name__ == "__main__":
    sys.exit(run_program(main))
