"""BigQuery: its REST API in front of DuckDB, which runs GoogleSQL as sqlglot translates it."""
