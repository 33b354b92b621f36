"""Pipelines as kfp's users write them, compiled and run by kfp itself: for a Python that has kfp.

Usage: python benchmarks/kfp_pipelines.py FOLDER    (templates go there; kfp's log says how tasks ended, and a
line of JSON behind that of each pipeline which outputs it has)
"""
# ruff: noqa: D103, ANN001, ANN201, PTH123 - the functions are kfp's, which sends their text and reads the annotations

import json
import sys
from pathlib import Path

from kfp import compiler, dsl, local


@dsl.component
def flip(side: str) -> str:
    return side


@dsl.component
def say(text: str) -> str:
    print(text)
    return text


@dsl.component
def fails(text: str):
    raise SystemExit(text)


@dsl.component
def double(number: int) -> int:
    return 2 * number


@dsl.component
def total(numbers: list) -> int:
    return int(sum(numbers))  # kfp's own runner hands over floats


@dsl.component
def write(rows: int, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("row\n" * rows)


@dsl.component
def count(data: dsl.Input[dsl.Dataset]) -> int:
    return len(open(data.path).readlines())


@dsl.pipeline
def condition(side: str = "heads"):
    flipped = flip(side=side)
    with dsl.If(flipped.output == "heads"):
        say(text="it was heads")
    with dsl.Else():
        say(text="it was tails")


@dsl.pipeline
def loop() -> int:
    with dsl.ParallelFor([1, 2, 3], parallelism=2) as item:
        doubled = double(number=item)
    return total(numbers=dsl.Collected(doubled.output)).output


@dsl.pipeline
def exit_handler(text: str = "lost"):
    last = say(text="cleaned up")
    with dsl.ExitHandler(last):
        first = say(text="begun")
        fails(text=text).after(first)


@dsl.pipeline
def artifacts(rows: int = 4) -> int:
    return count(data=write(rows=rows).outputs["data"]).output


@dsl.pipeline
def inner(number: int) -> int:
    return double(number=double(number=number).output).output


@dsl.pipeline
def nested() -> int:
    made = inner(number=3)
    return double(number=made.output).output


@dsl.pipeline
def failure():
    broken = fails(text="no")
    say(text="never").after(broken)
    say(text="beside")


PIPELINES = (condition, loop, exit_handler, artifacts, nested, failure)


def main(folder):
    """Compile and run every pipeline."""
    runner = local.SubprocessRunner(use_venv=False)
    local.init(runner=runner, pipeline_root=str(folder / "local"), raise_on_error=False)
    for each in PIPELINES:
        compiler.Compiler().compile(each, str(folder / f"{each.name}.json"))
        print(json.dumps({each.name: each().outputs}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
