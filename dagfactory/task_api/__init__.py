"""task_api: say here what belongs in this room."""
