"""DAG files, the runtime and what lies beside them become one bundle. May import `plan` and `resolve`."""
