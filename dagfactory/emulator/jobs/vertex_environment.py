"""The environment Vertex AI Training sets for a custom job (facts: custom_job.proto)."""

import json

_DIRECTORIES = {
    "AIP_MODEL_DIR": "model",
    "AIP_CHECKPOINT_DIR": "checkpoints",
    "AIP_TENSORBOARD_LOG_DIR": "logs",
}
CLUSTER = {
    "cluster": {"workerpool0": ["127.0.0.1:2222"]},
    "environment": "cloud",
    "task": {"type": "workerpool0", "index": 0, "trial": ""},
}


def vertex_environment(project: str, region: str, job_id: str, base: str) -> dict[str, str]:
    """Return AIP_*, CLOUD_ML_* and CLUSTER_SPEC; `base` is baseOutputDirectory or ''."""
    root = base.rstrip("/")
    directories = {name: f"{root}/{leaf}/" for name, leaf in _DIRECTORIES.items()} if root else {}
    return {
        **directories,
        "CLOUD_ML_PROJECT_ID": project,
        "CLOUD_ML_JOB_ID": job_id,
        "CLOUD_ML_REGION": region,
        "CLUSTER_SPEC": json.dumps(CLUSTER),
    }
