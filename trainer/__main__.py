"""`python -m trainer`: train a stage, compute textures, or validate a checkpoint."""

import sys
from collections.abc import Sequence

from trainer.config import asks_for_help, parse, read_values
from trainer.errors import run_program
from trainer.settings import TrainSettings


def main(argv: Sequence[str]) -> int:
    """Hand over to the program that the arguments name; returns the exit code."""
    if argv[:1] == ["validate"]:
        from trainer.checkpoint import checkpoint

        return checkpoint.main(argv[1:])
    if asks_for_help(argv):
        parse(TrainSettings, argv)  # before torch is imported, which takes seconds
    values = read_values(argv)
    if "trials" in values:
        from trainer.pack import pack

        return pack.main(argv)
    if values.get("stage") == "textures":
        from trainer.data import textures

        return textures.main(argv)
    from trainer import train

    return train.main(argv)


if __name__ == "__main__":
    sys.exit(run_program(main))
