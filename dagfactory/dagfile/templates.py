"""Where the Jinja templates lie."""

from __future__ import annotations

from pathlib import Path

import dagfactory


def template_folder() -> Path:
    """Return the folder of the templates: beside the package in a checkout, inside it in a wheel."""
    package = Path(dagfactory.__file__).resolve().parent
    bundled = package / "_templates"
    return bundled if bundled.is_dir() else package.parent / "templates"
