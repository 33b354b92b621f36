"""A loopback Vertex AI, Cloud Storage and Secret Manager for unmodified Google client libraries.

`client.start` launches it as a process and needs only the standard library; everything else in
this package is imported by that process alone.
"""
