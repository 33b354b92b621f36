"""language_doc: say here what belongs in this room."""
