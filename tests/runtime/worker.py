"""What the jobs of the tests run: report arguments and environment, write metrics, end as told."""

import json
import os
import sys
import time
from pathlib import Path

options = dict(argument.removeprefix("--").partition("=")[::2] for argument in sys.argv[1:])
model_dir = os.environ["AIP_MODEL_DIR"].removeprefix("gs://")
directory = Path(os.environ["GCSFUSE_ROOT"], model_dir)
directory.mkdir(parents=True, exist_ok=True)
metrics = {"accuracy": float(options.get("accuracy", "0.5")) + float(options.get("lr", "0"))}
if options.get("seed") == "1":
    metrics["accuracy"] -= 0.05
document = {"schema_version": 1, "metrics": metrics, "step": 1, "complete": True}
if "nothing" not in options:
    (directory / "metrics.json").write_text(json.dumps(document))
if "CLOUD_ML_HP_METRIC_FILE" in os.environ:
    line = {"accuracy": str(metrics["accuracy"]), "global_step": "1"}
    Path(os.environ["CLOUD_ML_HP_METRIC_FILE"]).write_text(json.dumps(line) + "\n")
(directory / "options.json").write_text(json.dumps(options))
deadline = time.monotonic() + float(options.get("at_most", "0"))
while time.monotonic() < deadline and not Path(options["until"]).exists():
    time.sleep(0.05)
print("the last words of the trainer")  # noqa: T201 - the log tail is what the test looks for
sys.exit(int(options.get("exit", "0")))
