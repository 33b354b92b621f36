"""`python -m trainer.vqa_export`: the exchange format into VQAv2 files; see trainer/data/vqa.py."""

import sys

from trainer.data.vqa import main_export as main
from trainer.errors import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
