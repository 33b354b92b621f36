"""Layers become one document, and `${vars.…}` and `${env.…}` their values. May import the rooms below."""
