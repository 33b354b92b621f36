"""Custom jobs as local processes: queue, attempts, the environment Vertex sets, clean ends.

May import the emulator's faults and files; it does not know the services that queue jobs.
"""
