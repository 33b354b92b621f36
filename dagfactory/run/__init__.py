"""`dagfactory run`: a rendered bundle in a real, embedded Airflow against the local emulator.

`prepare` makes the bundle, `execute` runs it, `summary` says what came out. This package starts
Airflow but never imports it.
"""
