"""Python of the user that travels in the bundle, on the path of this process: one version at a time."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

PREFIX = "dagfactory_code_"


def put_on_path(name: str, bundle: Path | None = None) -> None:
    """Make the packages in a bundle's folder `name` importable, and those of all other versions not."""
    folder = (bundle or Path(__file__).absolute().parents[1]) / name
    own = {each.stem for each in folder.iterdir()} if folder.is_dir() else set()
    # before the path changes: a package without `__init__.py` looks its folders up there
    loaded = {name: _places(module) for name, module in list(sys.modules.items())}
    others = [each for each in sys.path if not Path(each).name.startswith(PREFIX)]
    # first, so that nothing installed on the workers is taken for it
    sys.path[:] = [str(folder), *others]
    for module, places in loaded.items():
        here = any(folder in place.parents for place in places)
        other = any(part.startswith(PREFIX) for place in places for part in place.parts)
        # a process that runs several tasks, as the DAG processor does callbacks, has seen others
        if not here and (other or module.partition(".")[0] in own):
            del sys.modules[module]
    # the folder may have been written since Python looked
    importlib.invalidate_caches()


def _places(module: ModuleType) -> list[Path]:
    """Return where a module was loaded from; a package without `__init__.py` has folders only."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return [Path(file)]
    try:
        return [Path(each) for each in getattr(module, "__path__", ()) if isinstance(each, str)]
    except Exception:  # noqa: BLE001 - a lazy module may do anything when it is asked
        return []
