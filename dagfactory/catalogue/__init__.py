"""The world outside, as data: machines, regions, prices, operators, the bundled trainer.

May import diagnostics.
"""
