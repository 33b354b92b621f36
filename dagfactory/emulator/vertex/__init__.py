"""Vertex AI: one implementation on protobuf messages, served as gRPC and as REST.

May import the emulator's jobs and what all services share, and of BigQuery the service and the object
files, for batch predictions.
"""
