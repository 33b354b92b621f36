"""Environment files that several tests use."""

from __future__ import annotations

WITH_EVERYTHING = """
environment: test
project: demo-project
region: us-central1
bucket: gs://demo-ml
service_account: jobs@demo-project.iam.gserviceaccount.com
labels: {team: ml}
pools: {p: {slots: 4}}
"""
