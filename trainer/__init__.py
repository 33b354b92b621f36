"""ARR-COC trainer: query-aware token budgets, trained on Vertex AI or on a laptop."""

__version__ = "0.1.0"
DISTRIBUTION = "dagfactory-trainer"  # by which the compiler knows this package from others
