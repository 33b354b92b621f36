"""`dagfactory results`: what runs have brought, as a table and as one page that needs no network.

`gather` reads a run: the files that its trainers wrote by the contract, and what `run` and Vertex AI
know of its tasks and jobs. `table`, `as_data` and `html` show it. Imports `cost`, `runtime`, `dagfile` and
what lies below; everything that is read was written by others, is bounded, and is told, never raised.
"""
