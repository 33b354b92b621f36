"""What `evaluation.yaml` beside this file is compiled from, by kfp 2.17.3."""
# ruff: noqa: B006, PLR0913, PLR0917 - the parameters of a pipeline, and kfp's way to give them defaults

from kfp import compiler, dsl

PROGRAM = """
import pathlib, sys, time
model, limit, steps, accuracy, report = sys.argv[1:]
time.sleep(int(steps))
if model == "lost":
    raise SystemExit("there is no such model")
for path, text in ((accuracy, limit), (report, model)):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text)
"""


@dsl.container_component
def score(
    model: str,
    limit: float,
    steps: int,
    accuracy: dsl.OutputPath(float),
    report: dsl.Output[dsl.Artifact],
):
    return dsl.ContainerSpec(
        image="python:3.11-slim",
        command=["python3", "-c", PROGRAM],
        args=[model, limit, steps, accuracy, report.path],
    )


@dsl.pipeline(name="inner")
def inner(model: str, limit: float, steps: int) -> float:
    return score(model=model, limit=limit, steps=steps).outputs["accuracy"]


@dsl.pipeline(name="evaluation")
def evaluation(
    model: str,
    limit: float = 0.8,
    steps: int = 0,
    tags: list = [],
    more: dict = {},
    deep: bool = False,
) -> float:
    scored = inner(model=model, limit=limit, steps=steps)
    return scored.output


if __name__ == "__main__":
    compiler.Compiler().compile(evaluation, "evaluation.yaml")
