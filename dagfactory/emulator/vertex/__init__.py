"""Vertex AI: one implementation on protobuf messages, served as gRPC and as REST."""
