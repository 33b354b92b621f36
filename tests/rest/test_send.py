"""What is no answer over plain HTTP, from a socket that says it."""

import socket
import threading

import pytest

from dagfactory.rest.errors import AnswerError
from dagfactory.rest.send import send


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_what_speaks_no_http_does_not_answer(said):
    def answer():
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(AnswerError, match="does not answer"):
            send("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(10)
