"""YAML text becomes a DAG file: one folder per pass, run in order by `compile.py`.

May import tasks and what lies below.
"""
