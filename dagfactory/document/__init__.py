"""Bytes become a tree of values that know their place; `${…}` is read here. May import diagnostics."""
