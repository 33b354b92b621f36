"""dagfactory: one YAML file becomes a Composer DAG that trains, gates and deploys on Vertex AI."""

__version__ = "0.1.0"
