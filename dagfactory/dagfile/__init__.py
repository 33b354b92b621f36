"""The DAG file as data, and how it is quoted, printed and checked. May import diagnostics."""
