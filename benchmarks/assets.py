"""What an asset in Cloud Storage costs a parse: CPU of Airflow's way and of ours, in fresh processes.

Usage: PYTHON benchmarks/assets.py [repeats], with the Python of either Airflow line.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import sys, time, warnings
warnings.simplefilter("ignore")
from airflow.providers.common.compat.sdk import DAG, Asset
from dagfactory.runtime.assets import StorageAsset
modules, start = len(sys.modules), time.process_time()
{}("gs://bucket/tables/images")
print(time.process_time() - start, len(sys.modules) - modules)
"""


def cost(maker: str, home: str) -> tuple[float, int]:
    """Return CPU seconds and imported modules of making one asset, Airflow being imported already."""
    env = os.environ | {"AIRFLOW_HOME": home, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM.format(maker)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    seconds, modules = done.stdout.splitlines()[-1].split()
    return float(seconds), int(modules)


def main(repeats: int) -> None:
    """Print the median of both ways, interleaved, with the range and the load."""
    with TemporaryDirectory() as home:
        samples = [(cost("Asset", home), cost("StorageAsset", home)) for _ in range(repeats)]
    for name, values in zip(("Asset", "StorageAsset"), zip(*samples, strict=True), strict=True):
        seconds = [each[0] for each in values]
        low, high = min(seconds), max(seconds)
        sys.stdout.write(
            f"{name:13} {statistics.median(seconds):.4f} s CPU ({low:.4f} to {high:.4f}),"
            f" {values[0][1]} modules, n={repeats}, load {os.getloadavg()[0]:.1f}\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
