"""Sync: bring a destination to a bundle, touching only what belongs to it.

`survey` lists the destination once, `plan` decides (pure), `apply` writes under preconditions.
"""
