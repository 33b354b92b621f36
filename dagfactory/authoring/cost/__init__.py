"""`dagfactory cost` from its arguments to its text. Imports `compiler` and `cost`."""
