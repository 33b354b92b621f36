"""Which machine types somebody may mean: by GPU (`A100`, `8xH100`), by a part of a name, by spelling."""

from __future__ import annotations

import re

from dagfactory.catalogue.machines import Shape, accelerators, shapes
from dagfactory.diagnostics.wording import closest

_COUNTED = re.compile(r"(\d+)\s*x\s*(.+)")
_TOKEN = re.compile(r"[a-z]+[0-9]*[a-z]*|[0-9]+")
_NUMBER = re.compile(r"\d+")


def with_gpu(text: str) -> list[tuple[Shape, str, int]]:
    """Return the machines that have a GPU, or can be given it, with its name and number.

    The text is a name of the GPU such as `A100`, `NVIDIA_L4` or `8xH100`.
    """
    counted = _COUNTED.fullmatch(text.lower())
    wanted, name = (int(counted[1]), counted[2]) if counted else (0, text.lower())
    found = [(shape, gpu, count) for gpu in _gpus(name) for shape, count in _having(gpu)]
    exact = [each for each in found if each[2] == wanted]
    return exact if wanted else found


def nearest(name: str) -> Shape | None:
    """Return the machine type that a wrong name most probably means."""
    same = closest(name, shapes(), 1) if name.lower().replace("_", "-") in shapes() else []
    return (
        (shapes()[same[0]] if same else None)
        or _of_gpu(name)
        or _of_part(name.lower())
        or _of_size(name)
        or next((shapes()[each] for each in closest(name, shapes(), 1)), None)
    )


def _gpus(name: str) -> list[str]:
    """Return the accelerators that a name may mean, of which a size in it chooses."""
    tokens = set(_TOKEN.findall(name.lower()))
    known = {each: set(_TOKEN.findall(it.words.lower())) for each, it in accelerators().items()}
    model = {
        each: words & tokens - {"gb"}
        for each, words in known.items()
        if _TOKEN.findall(accelerators()[each].words.lower())[0] in tokens
        and not accelerators()[each].ended
    }
    most = max(map(len, model.values()), default=0)
    return [each for each, words in model.items() if len(words) == most]


def _having(gpu: str) -> list[tuple[Shape, int]]:
    """Return the machines with a GPU, the fewest first."""
    every = shapes().values()
    found = [(each, each.gpus) for each in every if each.accelerator == gpu]
    found += [(each, count) for each in every for count in each.attachable.get(gpu, ())]
    return sorted(found, key=lambda each: each[1])


def _of_gpu(name: str) -> Shape | None:
    """Return the smallest machine that brings the GPU that a name speaks of."""
    return next((shape for shape, _, _ in with_gpu(name) if shape.gpus), None)


def _of_part(name: str) -> Shape | None:
    """Return the smallest machine whose name goes on after this one, or has it in the middle."""
    parts = [each for each in shapes() if each.startswith(f"{name}-") or f"-{name}-" in each]
    return shapes()[min(parts, key=_size)] if parts else None


def _of_size(name: str) -> Shape | None:
    """Return the machine of the same kind whose size comes nearest, the larger of two."""
    kind = name.rpartition("-")[0]
    sizes = [each for each in shapes() if each.rpartition("-")[0] == kind]
    wanted = _size(name)
    near = sorted(sizes, key=lambda each: (abs(_size(each) - wanted), -_size(each)))
    return shapes()[near[0]] if near else None


def _size(name: str) -> int:
    """Return the last number of a name: 8 of n1-standard-8."""
    return int((_NUMBER.findall(name) or ["0"])[-1])
