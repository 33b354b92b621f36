"""The built-in data set, for a first run without any data: `--textures=sort-of-clevr`."""

from pathlib import Path

from trainer.settings import BUILT_IN, DataSettings
from trainer.vertex import RunContext, local_path


def textures_directory(address: str, context: RunContext) -> Path:
    """Find the textures at an address; those of the built-in data are made on first use.

    They lie beside the model directory, so that a restarted job finds them again.
    """
    if address != BUILT_IN:
        return local_path(address)
    base = context.model_dir.parent / BUILT_IN
    if not (base / "textures" / "textures.json").is_file():
        _make(base)
    return base / "textures"


def _make(base: Path) -> None:
    from trainer.data import write_dataset
    from trainer.textures import write_textures

    print(f"making the built-in data set in {base}", flush=True)
    write_dataset(DataSettings(), base / "data")
    write_textures(base / "data", base / "textures", grid=15)
