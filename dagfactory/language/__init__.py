"""The language: pydantic models of what users write."""
