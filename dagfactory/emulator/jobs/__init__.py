"""Custom jobs as local processes: queue, attempts, the environment Vertex sets, clean ends."""
