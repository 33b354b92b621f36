"""What helps to write specs: the JSON Schema for editors, new projects, machines, waiting for changes.

It may import the compiler and what lies below it, never `run`, `deploy` or `importers`.
"""
