"""The environment variables that point unmodified Google clients at the emulator."""

import json
from pathlib import Path


def direct_environment(storage: str) -> dict[str, str]:
    """Return the settings of clients that use no proxy (gcloud-aio, in the provider's triggers).

    `storage` is the address of Cloud Storage without TLS. Google's own clients honour the variable
    too and then send no token: set it only where such a client runs.
    """
    return {"STORAGE_EMULATOR_HOST": storage}


def client_environment(
    proxy: str, authority: Path, credentials: Path, files: Path
) -> dict[str, str]:
    """Return the settings of every client library (requests, httplib2, gRPC, OpenSSL, Airflow).

    `authority` is the PEM file to trust, `credentials` the service account, `files` the
    directory that stands in for Cloud Storage FUSE (GCSFUSE_ROOT).
    """
    direct, trusted = "127.0.0.1,localhost", str(authority)
    return {
        "https_proxy": proxy,
        "HTTPS_PROXY": proxy,
        "grpc_proxy": proxy,
        "no_proxy": direct,
        "NO_PROXY": direct,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": trusted,
        "REQUESTS_CA_BUNDLE": trusted,
        "HTTPLIB2_CA_CERTS": trusted,
        "SSL_CERT_FILE": trusted,
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(
            {"conn_type": "google_cloud_platform", "extra": {}}
        ),
        "NO_GCE_CHECK": "true",
        "GCSFUSE_ROOT": str(files),
    }
