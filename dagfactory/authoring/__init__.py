"""What helps to write specs: the schema, a new project, watching. May import the compiler and below."""
