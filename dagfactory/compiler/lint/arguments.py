"""Arguments of the trainer that comes with dagfactory, checked before a machine is paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dagfactory.catalogue import bundled_trainer
from dagfactory.catalogue.machines import shapes
from dagfactory.compiler.lint._jobs import Job, jobs
from dagfactory.compiler.validate.messages import EXPECTED, bound, describe, quoted_choices
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.language.common import is_open
from dagfactory.language.job import JobTask
from dagfactory.task_api.trainer_jobs import runs_bundled_trainer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath

_PARSING = {
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "`true` or `false`",
}


@dataclass(frozen=True, slots=True)
class Given:
    """One value of an argument and where it stands; `known` is false for what only a run knows."""

    name: str
    value: Any
    path: KeyPath
    known: bool


@dataclass(frozen=True, slots=True)
class _Start:
    """A program on the machines of its job, with the first value of each argument."""

    job: Job
    given: Mapping[str, Given]

    def value(self, name: str) -> str:
        """Return what a setting will be; nothing where only a run knows, or where there is none."""
        if name in self.given:
            each = self.given[name]
            return str(each.value) if each.known else ""
        field = bundled_trainer.settings(self.job.task.module or "").model_fields.get(name)
        return str(field.default) if field else ""

    def number(self, name: str) -> int:
        """Return a setting as a number; 0 where it is not one."""
        text = self.value(name)
        return int(text) if text.isdecimal() else 0

    def path(self, name: str) -> KeyPath:
        """Return where a setting is given, or would be."""
        return self.given[name].path if name in self.given else (*self.job.item.path, "args")

    def gpus(self) -> tuple[int | None, str]:
        """Return number and type of the GPUs of one machine; None for a new A or G machine."""
        machine = self.job.machine
        if machine.accelerator:
            return machine.accelerator.count, machine.accelerator.type
        shape = shapes().get(machine.type)
        if shape:
            return shape.gpus, shape.accelerator
        # A and G machines have GPUs built in; of one that is not listed yet the number is unknown
        return (None if machine.type.startswith(("a", "g")) else 0), ""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find arguments that a program of the trainer would refuse."""
    for job in jobs(plan):
        task = job.task
        if not task.module or not runs_bundled_trainer(task, plan.pipeline):
            continue
        if task.positional:
            message = f"`{task.module}` takes no arguments without a name"
            place = Pointer((*job.item.path, "positional"), key=True)
            yield Diagnostic("DF313", message, place, help="write them under `args`")
        given = list(_given(job.item, task))
        yield from _program(task.module, job.item, given)
        # reversed, so that of several values the first one stays
        yield from _on_machine(_Start(job, {each.name: each for each in reversed(given)}))


def _on_machine(start: _Start) -> Iterator[Diagnostic]:
    """Find what the program would refuse on the machines of its job."""
    (count, kind), device = start.gpus(), start.value("device")
    if device == "cuda" and count == 0:
        help_ = "give `machine` an `accelerator`, or delete `device`"
        message = "`device: cuda` on a machine without a GPU"
        yield Diagnostic("DF313", message, Pointer(start.path("device")), help=help_)
    old = device != "cpu" and kind in bundled_trainer.WITHOUT_BFLOAT16
    if old and start.value("precision") == "bfloat16":
        help_ = "set `precision: float32`, or take an NVIDIA_L4 or newer"
        given = "precision" in start.given
        yield Diagnostic(
            "DF313",
            f"`{kind}` has no bfloat16",
            Pointer(start.path("precision"), key=not given),
            help=help_,
        )
    yield from _too_few_images(start, 0 if device == "cpu" else count or 0)


def _too_few_images(start: _Start, gpus: int) -> Iterator[Diagnostic]:
    """Find more processes than images in a step, and machines that would have nothing to do."""
    task, machines = start.job.task, start.job.machine.replicas
    if task.module == "trainer.vlm" and machines > 1:
        path: KeyPath = (*start.job.machine_path, "replicas")
        yield Diagnostic(
            "DF313", "`trainer.vlm` trains on one machine", Pointer(path), help="delete it"
        )
    # a pack trains on one device in one process, and textures are computed without steps
    if (
        task.module != "trainer"
        or start.value("stage") == "textures"
        or getattr(task, "pack", None)
    ):
        return
    here = start.number("processes") or gpus or 1
    parts, batch = machines * here * start.number("accumulate"), start.number("batch")
    if machines * here > 1 and 0 < batch < parts:
        message = f"`batch` is {batch}: too few images for {machines * here} processes"
        path = start.path("batch")
        help_ = f"set `batch` to {parts} or more"
        yield Diagnostic(
            "DF313", message, Pointer(path, key="batch" not in start.given), help=help_
        )


def _given(item: PlannedTask, task: JobTask) -> Iterator[Given]:
    """Yield every value that a job passes: its arguments, its model, a sweep's hyperparameters."""
    if task.type == "evaluate":
        yield _as_argument("model", task.field("model"), (*item.path, "model"))
    for name, value in task.args.items():
        yield _as_argument(name, value, (*item.path, "args", name))
    for name, (space, path) in getattr(task, "hyperparameters", {}).items():
        yield from _hyperparameter(name, space, (*item.path, *path))
    yield from _rungs(item, task.field("halving"))
    for index, row in enumerate(task.field("include") or ()):
        for name, value in row.items():
            yield _as_argument(name, value, (*item.path, "include", index, name))
    for index, seed in enumerate(task.field("seeds") or ()):
        yield _as_argument("seed", seed, (*item.path, "seeds", index))


def _hyperparameter(name: str, space: Any, path: KeyPath) -> Iterator[Given]:
    """Yield the values of a hyperparameter, or both ends of its range."""
    for index, value in enumerate(space.values or ()):
        yield _as_argument(name, value, (*path, "values", index))
    for end in ("min", "max"):
        yield _as_argument(name, getattr(space, end), (*path, end))


def _rungs(item: PlannedTask, halving: Any) -> Iterator[Given]:
    """Yield what successive halving passes: its budgets, and the model to go on from."""
    if halving:
        for end in ("min", "max"):
            yield _as_argument(
                halving.argument, getattr(halving, end), (*item.path, "halving", end)
            )
        if halving.carry:
            place = (*item.path, "halving", "carry")
            yield Given(halving.carry, "gs://", place, known=False)


def _as_argument(name: str, value: Any, path: KeyPath) -> Given:
    """Write a value as the command line does, where lists are JSON and the rest is text."""
    known = not (isinstance(value, str) and is_open(value))
    if isinstance(value, bool):
        return Given(name, str(value).lower(), path, known)
    if isinstance(value, int | float):
        return Given(name, str(value), path, known)
    return Given(name, value, path, known)


def _program(program: str, item: PlannedTask, given: list[Given]) -> Iterator[Diagnostic]:
    """Check the first value of each argument together, and every further one on its own."""
    first = {each.name: each for each in reversed(given) if each.value is not None}
    model = _model(program, first)
    known = list(_faults(program, model, first, item))
    yield from known
    for each in given:
        if each.value is not None and first.get(each.name) is not each:
            faults = _faults(program, model, first | {each.name: each}, item)
            yield from (
                replace(fault, place=Pointer(each.path)) for fault in faults if fault not in known
            )


def _model(program: str, given: Mapping[str, Given]) -> type[BaseModel]:
    """Return the settings of a program; `stage: textures` makes another one of the trainer."""
    stage = given.get("stage")
    textures = program == "trainer" and stage and stage.value == "textures"
    return bundled_trainer.settings("trainer.textures" if textures else program)


def _faults(
    program: str, model: type[BaseModel], given: Mapping[str, Given], item: PlannedTask
) -> Iterator[Diagnostic]:
    from pydantic import ValidationError

    names = {field.alias or name: field for name, field in model.model_fields.items()}
    for name in given:
        if name not in names:
            help_ = did_you_mean(name, [each for each in names if each not in given])
            message = f"`{program}` has no argument `{name}`"
            path = _name_path(given[name].path)
            yield Diagnostic("DF313", message, Pointer(path, key=True), help=help_)
    values = {name: each.value for name, each in given.items() if name in names}
    try:
        model.model_validate(values)
    except ValidationError as error:
        yield from _validation_faults(program, error.errors(include_url=False), given, item)


def _validation_faults(
    program: str, errors: Iterable[Any], given: Mapping[str, Given], item: PlannedTask
) -> Iterator[Diagnostic]:
    """Say pydantic's errors in words."""
    for error in errors:
        name = str(error["loc"][0]) if error["loc"] else ""
        # the run may bring a value that fits
        if name in given and not given[name].known:
            continue
        arguments = Pointer((*item.path, "args"), key=True)
        if name in given:
            message, help_ = _words(name, given[name], error)
            yield Diagnostic("DF313", message, Pointer(given[name].path), help=help_)
        elif error["type"] == "missing":
            message, help_ = f"`{program}` needs the argument `{name}`", f"add `{name}: ...`"
            yield Diagnostic("DF313", message, arguments, help=help_)
        # a validator of the whole model has no location
        elif not name:
            message = str(error["msg"]).removeprefix("Value error, ")
            yield Diagnostic("DF313", f"`{program}` refuses this: {message}", arguments)


def _words(name: str, given: Given, error: Any) -> tuple[str, str | None]:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "literal_error":
        help_ = did_you_mean(str(given.value), quoted_choices(context))
        return f"`{name}` cannot be `{given.value}`", help_
    limit = bound(kind, context)
    if limit:
        return f"`{name}` must be {limit}, not {given.value}", None
    needs = EXPECTED.get(kind) or _PARSING.get(kind)
    if needs:
        return f"`{name}` needs {needs}, not {describe(given.value)}", None
    return f"`{name}` cannot be {describe(given.value)}", None


def _name_path(path: KeyPath) -> KeyPath:
    """Return where the name of an argument stands, for one of its values."""
    if "halving" in path[-2:]:
        return (*path[:-1], "carry" if path[-1] == "carry" else "argument")
    if "values" in path[-2:]:
        return path[: path.index("values")]
    return path[:-1] if path[-3:-2] == ("parameters",) else path
