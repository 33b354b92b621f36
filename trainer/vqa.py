"""`python -m trainer.vqa`: VQAv2 files into the exchange format; see trainer/data/vqa.py."""

import sys

from trainer.data.vqa import main
from trainer.errors import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
