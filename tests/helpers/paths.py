"""Where things are: the one place that counts folders upwards."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

TESTS = ROOT / "tests"

CORPORA = ROOT.parent / "shared" / "corpora"
"""Hostile and official inputs beside the checkout; what needs them is skipped where they are absent."""

PARSE = TESTS / "system/airflow/parse.py"
"""A program for either Airflow line: parses a dags folder and prints what came of it."""
