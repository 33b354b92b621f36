"""MetadataService and TensorboardService, on which Vertex AI Experiments stands.

An experiment is a context, a run is a context below it; parameters, metrics and state are in the run's
metadata. What google-cloud-aiplatform's Experiments ask for is served; see docs/emulator.md.
"""
