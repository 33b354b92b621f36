"""Findings as data: codes, places, wording, redaction. Imports no other room."""
