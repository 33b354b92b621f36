"""`dagfactory run`: the embedded Airflow, its processes, its progress and its results.

`prepare` makes the bundle, `execute` runs it, `summary` says what came out. May import the compiler
and what lies below, and of the emulator its `client`; it starts Airflow and never imports it, so that
the command starts in a blink. `embedded` is the exception.
"""
