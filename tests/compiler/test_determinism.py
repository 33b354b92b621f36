"""The same specs give the same bytes: whatever the hash seed, the locale, the time zone, the order."""

import itertools
import os
import subprocess
import sys

import processes
from paths import ROOT
from size import size

SEEDS, LOCALES, ZONES = (
    range(size(2, 10)),
    ("C", "C.UTF-8"),
    ("Pacific/Chatham", "America/New_York"),
)

DIGEST = """
import hashlib, os, sys, time
from pathlib import Path
from dagfactory.compiler.build import build
from dagfactory.compiler.parse import environments
from dagfactory.project.specs import find_specs

specs = find_specs([Path("specs")])
for zone in sys.argv[1:]:
    os.environ["TZ"] = zone
    time.tzset()
    for order in (specs, specs[::-1]):
        digest = hashlib.sha256()
        for name in environments(specs[0]):
            for path, content in sorted(build(order, name).bundle.files.items()):
                digest.update(f"{name}/{path} {len(content)} ".encode() + content)
        print(digest.hexdigest(), len(order))
"""


def started(seed, locale):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": str(seed),
        "LC_ALL": locale,
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    command = [sys.executable, "-c", DIGEST, *ZONES]
    return processes.started(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_one_digest_for_all_hash_seeds_locales_time_zones_and_orders():
    lines = []
    for pair in pairs():
        with started(*pair[0]) as one, started(*pair[1]) as other:
            for process in (one, other):
                lines += process.communicate(timeout=processes.LIMIT)[0].splitlines()
                assert process.returncode == 0
    assert len(lines) == len(SEEDS) * len(LOCALES) * len(ZONES) * 2
    assert len(set(lines)) == 1
    assert int(lines[0].split()[1]) >= 10


def pairs():
    """Yield two ways at a time: the machine has two cores at least."""
    everything = list(itertools.product(SEEDS, LOCALES))
    return zip(everything[::2], everything[1::2], strict=True)
