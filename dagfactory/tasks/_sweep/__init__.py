"""_sweep: say here what belongs in this room."""
