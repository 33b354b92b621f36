"""Lowering: from tasks of the language to operator calls of a target."""
