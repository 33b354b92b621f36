"""The world outside, as data: machines, regions, operators' arguments, the bundled trainer.

May import diagnostics.
"""
