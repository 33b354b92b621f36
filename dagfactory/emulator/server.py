"""Put the parts together: certificates, services, servers, proxy."""

import fnmatch
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dagfactory.emulator import certificates, fixtures, job_logs, projects, protos, secrets
from dagfactory.emulator.bigquery.service import BigQueryService
from dagfactory.emulator.client import FAULTS_FILE, READY_FILE, SECRETS_DIRECTORY
from dagfactory.emulator.client_environment import client_environment, direct_environment
from dagfactory.emulator.composer import ComposerService
from dagfactory.emulator.dataflow import DataflowService
from dagfactory.emulator.errors import not_served
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.files import replace_text
from dagfactory.emulator.grpc_server import GrpcServer
from dagfactory.emulator.http_server import (
    LOOPBACK,
    Application,
    HttpRequest,
    HttpResponse,
    HttpServer,
    json_response,
)
from dagfactory.emulator.identity import Identity
from dagfactory.emulator.jobs.runner import Runner
from dagfactory.emulator.options import Options
from dagfactory.emulator.proxy import Proxy, Route
from dagfactory.emulator.rest_gateway import RestGateway
from dagfactory.emulator.storage.service import StorageService
from dagfactory.emulator.vertex import service as vertex
from dagfactory.emulator.vertex.prediction_data import PredictionData

log = logging.getLogger(__name__)
STORAGE_HOST = "storage.googleapis.com"
SECRETS_HOST = "secretmanager.googleapis.com"
BIGQUERY_HOST = "bigquery.googleapis.com"
COMPOSER_HOST = "composer.googleapis.com"
DATAFLOW_HOST = "dataflow.googleapis.com"
PROJECTS_HOST = "cloudresourcemanager.googleapis.com"
LOGGING_HOST = "logging.googleapis.com"
OAUTH_HOST = "oauth2.googleapis.com"
IAM_HOST = "iamcredentials.googleapis.com"
VERTEX_HOSTS = ("aiplatform.googleapis.com", "*-aiplatform.googleapis.com")


class EmulatorServer:
    """Everything that runs in the emulator's process."""

    def __init__(self, options: Options) -> None:
        state = options.state
        protos.load()
        faults = Faults(state / FAULTS_FILE)
        tls = certificates.create(state / "tls")
        identity = Identity(options.project)
        tokens, direct = HttpServer(), HttpServer()
        account = state / "credentials.json"
        identity.write_account(account, f"http://{LOOPBACK}:{tokens.port}/token")
        self._private = (account, tls.key, state / READY_FILE)
        job_env: dict[str, str] = dict(os.environ)
        self._runner = Runner(state / "jobs", options.slots, options.workdir, job_env, faults)
        bigquery = BigQueryService(
            state / "bigquery", state / "gcs", faults, identity, options.fixtures
        )
        data = PredictionData(state / "gcs", bigquery)
        vertex_methods = vertex.methods(options, self._runner, faults, data)
        dataflow = DataflowService(state / "dataflow", self._runner, options.entrypoints).methods()
        secret_methods = secrets.methods(state / SECRETS_DIRECTORY)
        project_methods = projects.methods(options.project)
        storage = StorageService(state / "gcs", state / "gcs-side", faults, identity)
        for name, location in options.buckets.items():
            storage.ensure(name, location)
        if options.fixtures is not None:
            fixtures.put_objects(options.fixtures, state / "gcs")
            fixtures.put_tables(options.fixtures, bigquery, options.project)
        hosts: dict[str, Application] = {
            STORAGE_HOST: storage,
            BIGQUERY_HOST: bigquery,
            COMPOSER_HOST: ComposerService(state / "composer", faults, identity),
            DATAFLOW_HOST: RestGateway(dataflow, faults, identity),
            SECRETS_HOST: RestGateway(secret_methods, faults, identity),
            PROJECTS_HOST: RestGateway(project_methods, faults, identity),
            LOGGING_HOST: job_logs.service(state / "jobs", faults, identity),
            OAUTH_HOST: identity.token,
            IAM_HOST: identity.iam_credentials,
            **dict.fromkeys(VERTEX_HOSTS, RestGateway(vertex_methods, faults, identity)),
        }
        https = HttpServer(tuple(hosts), tls)
        methods = [*vertex_methods, *dataflow, *secret_methods, *project_methods]
        self._grpc = GrpcServer(methods, tls, faults, identity)
        base = identity.secret_address(direct.port)
        tokens.start(identity.token)
        https.start(_by_host(hosts))
        direct.start(identity.without_token(storage, base))
        self._grpc.start()
        self._proxy = Proxy(_routes(https.port, self._grpc.port), options.port)
        self.env = client_environment(self._proxy.url, tls.authority, account, state / "gcs")
        self.direct = direct_environment(base)
        job_env.update(self.env)

    def announce(self, state: Path) -> str:
        """Write STATE/emulator.json; return the same as one line."""
        ready = {"ready": True, "proxy": self._proxy.url, "pid": os.getpid()}
        ready |= {"env": self.env, "direct": self.direct}
        replace_text(state / READY_FILE, json.dumps(ready, indent=2) + "\n")
        return json.dumps(ready)

    def close(self) -> None:
        """End all jobs, stop serving, and remove what opened the doors."""
        self._runner.close()
        self._grpc.stop()
        for file in self._private:
            file.unlink(missing_ok=True)


def _routes(https: int, grpc: int) -> tuple[Route, ...]:
    with_grpc = (*VERTEX_HOSTS, DATAFLOW_HOST, SECRETS_HOST, PROJECTS_HOST)
    plain = (STORAGE_HOST, BIGQUERY_HOST, COMPOSER_HOST, LOGGING_HOST, OAUTH_HOST, IAM_HOST)
    return tuple(
        [Route(host, https, grpc) for host in with_grpc] + [Route(host, https) for host in plain]
    )


def _by_host(hosts: Mapping[str, Application]) -> Application:
    def serve(request: HttpRequest) -> HttpResponse:
        for glob, application in hosts.items():
            if fnmatch.fnmatch(request.host, glob):
                return application(request)
        error = not_served(request.host)
        return json_response(error.as_json(), error.http)

    return serve


def pairs(texts: Sequence[str], form: str) -> dict[str, str]:
    """Read NAME=VALUE arguments; raise ValueError that shows the expected form."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"{text!r} should read {form}")
    return dict(text.split("=", 1) for text in texts)
