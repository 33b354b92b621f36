"""`python -m trainer.data`: write Sort-of-CLEVR in the exchange format."""

import sys

from trainer.data.clevr import main
from trainer.errors import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
