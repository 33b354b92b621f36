"""`kubernetes`: pods and jobs, in Composer's cluster and in GKE."""

from __future__ import annotations

import pytest

POD = "type: kubernetes\nimage: i:1\n"


def test_a_pod_in_composers_own_cluster(lowered):
    made = lowered(POD)
    assert made.arguments["operator"].endswith(".kubernetes.operators.pod.KubernetesPodOperator")
    assert made.arguments["arguments"] == {
        "kubernetes_conn_id": "kubernetes_default",
        "config_file": "/home/airflow/composer_kube_config",
        "namespace": "composer-user-workloads",
        "name": "it",
        "image": "i:1",
        "labels": {"team": "ml"},
        "on_finish_action": "delete_pod",
        "deferrable": True,
    }


def test_a_job_in_a_gke_cluster_with_everything(lowered):
    made = lowered(
        POD
        + """
command: [python, -m, report]
args: [--day, "{{ ds }}"]
env: {LEVEL: info}
secrets: {KEY: {name: wandb, key: api-key}}
resources: {requests: {cpu: 500m, memory: 2Gi}, limits: {nvidia.com/gpu: 1}}
cluster: {name: ml-batch, location: us-central1-b, internal_ip: true, dns_endpoint: true}
namespace: training
run_as: job
completions: 4
parallelism: 2
backoff_limit: 0
keep_for: 1d
name: report
service_account: trainer
pull: always
pull_secrets: [registry]
node_selector: {cloud.google.com/gke-spot: "true"}
tolerations: [{key: gpu, operator: Exists}]
labels: {app: report}
annotations: {owner: ml}
pod: {priorityClassName: batch}
startup_timeout: 15m
timeout: 1h
on_finish: keep
result: true
poll: 30s
connection: google_ml
"""
    )
    assert made.arguments["operator"].endswith(".kubernetes_engine.GKEStartJobOperator")
    assert made.arguments["arguments"] == {
        "project_id": "demo-project",
        "location": "us-central1-b",
        "cluster_name": "ml-batch",
        "use_internal_ip": True,
        "use_dns_endpoint": True,
        "namespace": "training",
        "name": "report",
        "image": "i:1",
        "cmds": ["python", "-m", "report"],
        "arguments": ["--day", "{{ ds }}"],
        "env_vars": {"LEVEL": "info"},
        "image_pull_policy": "Always",
        "do_xcom_push": True,
        "service_account_name": "trainer",
        "node_selector": {"cloud.google.com/gke-spot": "true"},
        "labels": {"team": "ml", "app": "report"},
        "annotations": {"owner": "ml"},
        "startup_timeout_seconds": 900,
        "active_deadline_seconds": 3600,
        "on_finish_action": "keep_pod",
        "pod_template_dict": {
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": {
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
                "imagePullSecrets": [{"name": "registry"}],
                "containers": [
                    {
                        "name": "base",
                        "env": [
                            {
                                "name": "KEY",
                                "valueFrom": {"secretKeyRef": {"name": "wandb", "key": "api-key"}},
                            }
                        ],
                        "resources": {
                            "requests": {"cpu": "500m", "memory": "2Gi"},
                            "limits": {"nvidia.com/gpu": 1},
                        },
                    }
                ],
                "priorityClassName": "batch",
            },
        },
        "wait_until_job_complete": True,
        "completions": 4,
        "parallelism": 2,
        "backoff_limit": 0,
        "ttl_seconds_after_finished": 86400,
        "job_poll_interval": 30,
        "deferrable": True,
        "gcp_conn_id": "google_ml",
    }


def test_a_gke_pod_has_its_own_namespace(lowered):
    made = lowered(POD + "cluster: {name: c}")
    assert made.arguments["operator"].endswith(".GKEStartPodOperator")
    assert made.arguments["arguments"]["namespace"] == "default"
    assert made.arguments["arguments"]["location"] == "us-central1"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("completions: 2", "`completions` is for jobs"),
        ("env: {A: b}\nsecrets: {A: {name: n, key: k}}", "`A` is set by `env` and by `secrets`"),
        ("pod: {containers: []}", "the container is described by the task's own keys"),
        ("connection: c", "`connection` is for a GKE cluster"),
        ("namespace: My_Space", "`My_Space` is not a Kubernetes name"),
    ],
)
def test_faults(faults, more, message):
    assert faults(POD + more) == [("DF123", message)]


def test_only_a_gke_cluster_needs_an_environment(faults):
    assert faults(POD, None) == []
    assert [code for code, _ in faults(POD + "cluster: {name: c}", None)] == ["DF113"]
