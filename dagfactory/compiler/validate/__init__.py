"""A resolved document becomes models, or findings with their places. May import `plan` and `resolve`."""
