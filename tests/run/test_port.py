"""The port of Airflow's server: nobody gets it by chance between the look-up and the start."""

import asyncio
import http.client
import socket
import struct
import subprocess
import sys

import processes
import pytest

from dagfactory.run.local_airflow import reserved_port

IP_LOCAL_PORT_RANGE = 51  # <linux/in.h>, since Linux 6.3: the ports that one socket chooses from


def _only(port, *, reuse=False):
    """Return a socket that, when it asks for any port at all, can be given this one alone."""
    made = socket.socket()
    if reuse:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.setsockopt(
            socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=I", port << 16 | port)
        )
    except OSError:
        made.close()
        pytest.skip("this kernel lets nobody choose a range of ports")
    return made


def _bind(asking, port=0):
    asking.bind(("127.0.0.1", port))
    return asking.getsockname()[1]


@pytest.mark.parametrize("reuse", [False, True])
def test_who_asks_for_any_port_is_not_given_a_reserved_one(reuse):
    taken = pytest.raises(OSError, match="Address already in use")
    with reserved_port() as port, _only(port, reuse=reuse) as other, taken:
        _bind(other)
    with _only(port, reuse=reuse) as other:  # so it was the reservation that kept it away
        assert _bind(other) == port


def test_a_connection_does_not_leave_from_a_reserved_port():
    refused = pytest.raises(OSError, match="Cannot assign requested address")
    with (
        socket.create_server(("127.0.0.1", 0)) as peer,
        reserved_port() as port,
        _only(port) as leaving,
        refused,
    ):
        leaving.connect(peer.getsockname())


def test_a_server_that_names_the_port_listens_there_alone():
    async def serve(port):
        close = lambda _reader, writer: writer.close()  # noqa: E731 - a server of one line
        async with await asyncio.start_server(close, "127.0.0.1", port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
            with _only(port, reuse=True) as second, pytest.raises(OSError, match="in use"):
                _bind(second, port)

    with reserved_port() as port:
        asyncio.run(serve(port))


UVICORN = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("up", flush=True)
Server(uvicorn.Config(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")).run()
"""


def test_the_server_of_airflow_3_takes_a_reserved_port():
    with reserved_port() as port:
        command = [sys.executable, "-c", UVICORN, str(port)]
        with processes.started(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout.readline() == "up\n"
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("GET", "/")
                assert connection.getresponse().status == 204
                connection.close()
            finally:
                server.terminate()
