"""`python -m trainer.textures`: shards into tensors; see trainer/data/textures.py."""

import sys

from trainer.data.textures import main
from trainer.errors import run_program

if __name__ == "__main__":
    sys.exit(run_program(main))
