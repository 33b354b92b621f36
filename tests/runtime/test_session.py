"""The session of a task has the credentials that the provider's own hook reads from a connection."""

from __future__ import annotations

import json
import os
from importlib import import_module

import processes
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lines import PYTHON

from dagfactory.runtime.session import HttpError, credentials_of, is_lean, message_of

# the modules themselves, for what is set on a stand-in is set on nothing else
session = import_module("dagfactory.runtime.session")

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
READ = "https://www.googleapis.com/auth/devstorage.read_only"
ACCOUNT = "robot@some-project.iam.gserviceaccount.com"
CHAIN = ["first@p.iam.gserviceaccount.com", "last@p.iam.gserviceaccount.com"]


@pytest.fixture(scope="session")
def key():
    """Return a service account's key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "some-project",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": ACCOUNT,
        "client_id": "2",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


@pytest.fixture(scope="session")
def files(key, tmp_path_factory):
    """Return a key's file and a configuration of workload identity federation, as files."""
    folder = tmp_path_factory.mktemp("keys")
    # without a project's number: google.auth would ask Google for the name of that project
    pool = "//iam.googleapis.com/locations/global/workloadIdentityPools/p/providers/q"
    external = {
        "type": "external_account",
        "audience": pool,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(folder / "token")},
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/"
        f"serviceAccounts/{ACCOUNT}:generateAccessToken",
    }
    for name, document in (("key", key), ("external", external)):
        (folder / f"{name}.json").write_text(json.dumps(document))
    return {name: str(folder / f"{name}.json") for name in ("key", "external")}


def forms(key, files):
    """Return the extras of each form of a connection and whether the hook is needed for it."""
    return {
        "nothing": ({}, False),
        "project": ({"project": "other-project"}, False),
        "scopes": ({"scope": f"{CLOUD}, {READ}", "num_retries": 2}, False),
        "no retries": ({"num_retries": 0}, False),
        "prefixed": ({"extra__google_cloud_platform__scope": READ, "key_path": ""}, False),
        "key file": ({"key_path": files["key"], "scope": READ}, True),
        "prefixed key file": ({"extra__google_cloud_platform__key_path": files["key"]}, True),
        "key": ({"keyfile_dict": json.dumps(key), "num_retries": "7"}, True),
        "impersonation": ({"impersonation_chain": ",".join(CHAIN)}, True),
        "quota project": ({"quota_project_id": "paying-project", "project": "p-1"}, True),
        "external account": ({"credential_config_file": files["external"]}, True),
        "anonymous": ({"is_anonymous": True}, True),
    }


FORMS = list(forms({}, {"key": "", "external": ""}))


def said(credentials):
    """Return what credentials are: class, principal, project, scopes, quota."""
    names = (
        "service_account_email",
        "project_id",
        "scopes",
        "quota_project_id",
        "_target_principal",
        "_delegates",
        "_target_scopes",
        "_audience",
        "_service_account_impersonation_url",
    )
    found = {name: getattr(credentials, name, None) for name in names}
    source = getattr(credentials, "_source_credentials", None)
    return type(credentials), found, said(source) if source else None


@pytest.fixture
def connect(files, monkeypatch):
    """Return what writes a connection; default credentials are those of a key's file."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", files["key"])

    def made(extra):
        text = json.dumps({"conn_type": "google_cloud_platform", "extra": extra})
        monkeypatch.setenv("AIRFLOW_CONN_SOME_CLOUD", text)
        return "some_cloud"

    return made


@pytest.mark.filterwarnings("ignore:The load_credentials_from_file")  # the provider's own call
@pytest.mark.parametrize("name", FORMS)
def test_each_form_of_a_connection_gives_what_the_hook_gives(name, key, files, connect):
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

    extra, needs_hook = forms(key, files)[name]
    hook = GoogleBaseHook(gcp_conn_id=connect(extra))
    credentials, retries = credentials_of("some_cloud")
    assert said(credentials) == said(hook.get_credentials())
    assert retries == hook.num_retries
    assert is_lean(extra) is not needs_hook


@pytest.mark.parametrize("chain", [CHAIN[1], CHAIN])
def test_a_chain_of_the_task_is_that_of_the_hook(chain, connect):
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

    hook = GoogleBaseHook(gcp_conn_id=connect({}), impersonation_chain=chain)
    credentials, _ = credentials_of("some_cloud", chain)
    assert said(credentials) == said(hook.get_credentials())
    assert credentials._target_principal == CHAIN[1]


def test_workload_identity_of_the_environment_is_taken_by_both(files, connect, monkeypatch):
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", files["external"])
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "some-project")
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "paying-project")
    hook = GoogleBaseHook(gcp_conn_id=connect({}))
    credentials, _ = credentials_of("some_cloud")
    assert said(credentials) == said(hook.get_credentials())
    assert credentials.quota_project_id == "paying-project"


def test_what_the_hook_refuses_is_refused_in_its_words(connect):
    from airflow.providers.common.compat.sdk import AirflowException

    connect({"num_retries": "many"})
    with pytest.raises(AirflowException, match="num_retries field should be a integer"):
        credentials_of("some_cloud")


PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
from dagfactory.runtime.session import Session
from dagfactory.runtime.storage import StorageClient
from dagfactory.runtime.vertex import VertexClient
session = Session("some_cloud")
StorageClient(session), VertexClient("p", "r", session)
print(" ".join(sys.modules))
"""


def test_a_plain_connection_loads_neither_the_hook_nor_a_client(files, connect, tmp_path):
    connect({"project": "p"})
    done = processes.run(
        [PYTHON, "-c", PROGRAM],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert "google.auth.transport.requests" in loaded
    heavy = (
        "airflow.providers.google.c",  # cloud, common
        "googleapiclient",
        "google.api_core",
        "google.cloud.",
        "grpc",
    )
    assert [name for name in loaded if name.startswith(heavy)] == []


def made(answers):
    """Return a session that answers with these, one after the other, and the requests it got."""
    asked = []

    class Answering(session.Session):
        def __init__(self):
            self.retries = 2

        def send(self, method, url, **_):
            asked.append((method, url))
            answer = answers[len(asked) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Answering(), asked


@pytest.mark.parametrize(
    "errors",
    [[HttpError(503, b""), ConnectionError()], [HttpError(429, b"{}")], []],
)
def test_what_may_pass_is_sent_again(errors, monkeypatch):
    monkeypatch.setattr(session, "pause", lambda *_: None)
    connected, asked = made([*errors, "done"])
    assert connected.repeat("GET", "https://x") == "done"
    assert len(asked) == len(errors) + 1


def test_the_last_error_and_one_that_stays_are_raised(monkeypatch):
    monkeypatch.setattr(session, "pause", lambda *_: None)
    connected, asked = made([HttpError(500 + n, b"") for n in range(3)])
    with pytest.raises(HttpError, match="502"):
        connected.repeat("GET", "https://x")
    assert len(asked) == 3
    connected, asked = made([HttpError(403, b"no")])
    with pytest.raises(HttpError, match="403: no"):
        connected.repeat("GET", "https://x")
    assert len(asked) == 1


def test_a_server_of_tokens_that_is_not_reached_is_a_broken_connection(
    key, connect, tmp_path, monkeypatch
):
    nobody = tmp_path / "key.json"
    nobody.write_text(json.dumps(key | {"token_uri": "http://127.0.0.1:1/token"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(nobody))
    connected = session.Session(connect({}))
    with pytest.raises(ConnectionError, match="no token"):
        connected.send("GET", "https://storage.googleapis.com/storage/v1/b/x")


def test_an_error_says_what_google_said():
    answer = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "check quota"}}
    assert message_of(HttpError(429, json.dumps(answer).encode())) == (
        "429 RESOURCE_EXHAUSTED: check quota"
    )
    assert message_of(HttpError(404, b"No such object")) == "404: No such object"
    assert message_of(OSError()) == "OSError"
