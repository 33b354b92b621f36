"""A loopback Vertex AI, BigQuery, Cloud Storage … for unmodified Google client libraries.

May import nothing of the rest of dagfactory. `client.start` launches it as a process and needs only
the standard library; everything else in this package is imported by that process alone.
"""
