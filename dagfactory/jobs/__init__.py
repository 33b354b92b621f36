"""The jobs that tasks have launched on Vertex AI, and their logs, as a shell sees them.

`client.py` is the two REST APIs, `place.py` where to look, `job.py` one job, `listing.py` the list as
text. It may import the compiler and what lies below it; a Google library only inside functions.
"""
