"""What the jobs of the tests run: report arguments and environment, write metrics, end as told."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def write(directory: Path, options: dict[str, Any]) -> None:
    """Write what a trial leaves in its model directory."""
    directory.mkdir(parents=True, exist_ok=True)
    metrics = {"accuracy": float(options.get("accuracy", "0.5")) + float(options.get("lr", "0"))}
    if str(options.get("seed")) == "1":
        metrics["accuracy"] -= 0.05
    document = {"schema_version": 1, "metrics": metrics, "step": 1, "complete": True}
    if "nothing" not in options:
        (directory / "metrics.json").write_text(
            json.dumps(metrics if "flat" in options else document)
        )
    if "CLOUD_ML_HP_METRIC_FILE" in os.environ:
        line = {"accuracy": str(metrics["accuracy"]), "global_step": "1"}
        Path(os.environ["CLOUD_ML_HP_METRIC_FILE"]).write_text(json.dumps(line) + "\n")
    (directory / "options.json").write_text(
        json.dumps({k: v for k, v in options.items() if k != "flat"})
    )
    (directory / "environment.json").write_text(json.dumps(dict(os.environ)))


options = dict(argument.removeprefix("--").partition("=")[::2] for argument in sys.argv[1:])
model_dir = Path(os.environ["GCSFUSE_ROOT"], os.environ["AIP_MODEL_DIR"].removeprefix("gs://"))
trials = json.loads(options.pop("trials", "{}"))
for name, trial in trials.items():
    write(model_dir.parent / name / "model", options | trial)
if not trials:
    write(model_dir, options)
deadline = time.monotonic() + float(options.get("at_most", "0"))
while time.monotonic() < deadline and not Path(options["until"]).exists():
    time.sleep(0.05)
print("the last words of the trainer")  # noqa: T201 - the log tail is what the test looks for
sys.exit(max(int(each.get("exit", "0")) for each in (options, *trials.values())))
