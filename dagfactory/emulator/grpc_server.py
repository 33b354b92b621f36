"""The gRPC server: the same methods as generic handlers, with TLS."""

import logging
from collections.abc import Callable, Sequence
from concurrent import futures
from itertools import groupby
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from dagfactory.emulator.certificates import Certificates
from dagfactory.emulator.errors import ApiError, not_served
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.identity import Identity
from dagfactory.emulator.protos import message_class
from dagfactory.emulator.rpc_routes import Method

log = logging.getLogger(__name__)
THREADS = 32


class GrpcServer:
    """A gRPC server on a free loopback port."""

    def __init__(
        self,
        methods: Sequence[Method],
        certificates: Certificates,
        faults: Faults,
        identity: Identity,
    ) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(THREADS, "grpc"))
        for service, rows in groupby(sorted(methods, key=_service), _service):
            handlers = {row.name: _handler(row, faults, identity) for row in rows}
            generic = grpc.method_handlers_generic_handler(service, handlers)
            self._server.add_generic_rpc_handlers((generic,))
        self._server.add_generic_rpc_handlers((_Others(),))
        key, certificate = certificates.key.read_bytes(), certificates.certificate.read_bytes()
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        self.port: int = self._server.add_secure_port("127.0.0.1:0", credentials)

    def start(self) -> None:
        """Serve in the background."""
        self._server.start()

    def stop(self) -> None:
        """Refuse new calls and end those that run."""
        self._server.stop(grace=0.5).wait()


class _Others(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers what no other handler does: gRPC's own answer does not say who lacks the method."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Return a handler that refuses."""
        error = not_served(details.method)

        def refuse(_request: bytes, context: grpc.ServicerContext) -> None:
            log.info("grpc %s: not served", details.method)
            context.abort(grpc.StatusCode[error.status], error.message)

        return grpc.unary_unary_rpc_method_handler(refuse)


def _service(method: Method) -> str:
    return method.service


def _handler(method: Method, faults: Faults, identity: Identity) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        _guarded(method, faults, identity),
        request_deserializer=message_class(method.request_type).FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _guarded(
    method: Method, faults: Faults, identity: Identity
) -> Callable[[Any, grpc.ServicerContext], Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            identity.require(dict(context.invocation_metadata()).get("authorization"))
            faults.fail_call(method.name)
            log.info("grpc %s", method.name)
            return method.call(request)
        except ApiError as error:
            log.info("grpc %s: %s %s", method.name, error.status, error.message)
            context.set_trailing_metadata(_details(error))
            context.abort(grpc.StatusCode[error.status], error.message)

    return call


def _details(error: ApiError) -> tuple[tuple[str, bytes], ...]:
    """Return the RetryInfo of an error that asks to be tried again, as gRPC carries it."""
    if error.retry_after is None:
        return ()
    status = status_pb2.Status(code=error.code, message=error.message)
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromMilliseconds(int(1000 * error.retry_after))
    status.details.add().Pack(info)
    return (("grpc-status-details-bin", status.SerializeToString()),)
