"""BigQuery: its REST API in front of DuckDB, which runs GoogleSQL as sqlglot translates it.

May import the emulator's HTTP server, errors and faults, and of the storage the paths of objects.
"""
