"""The files of a project: which are specs, what lies beside one, atomic writes. May import diagnostics."""
