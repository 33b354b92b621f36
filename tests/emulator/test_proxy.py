import base64
import socket
from urllib.parse import urlsplit

import google.auth
import pytest
import requests
from google.auth.transport.requests import AuthorizedSession


def test_other_hosts_are_refused_and_logged(emulator):
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://pypi.example/simple/", timeout=30)
    log = (emulator.state / "emulator.log").read_text()
    assert "refused: CONNECT pypi.example:443" in log


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT storage.googleapis.com:80",
        "CONNECT storage.googleapis.com.evil.example:443",
        "CONNECT evil.example/storage.googleapis.com:443",
        "GET http://storage.googleapis.com/",
    ],
)
def test_only_connect_to_port_443_of_known_hosts(emulator, request_line):
    proxy = urlsplit(emulator.proxy)
    known = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    head = f"{request_line} HTTP/1.1\r\nProxy-Authorization: Basic {known}\r\n\r\n"
    with socket.create_connection((proxy.hostname, proxy.port), 30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")


def test_what_a_known_host_does_not_serve_is_501():
    url = "https://us-central1-aiplatform.googleapis.com/v1/projects/demo/locations/x/datasets"
    credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
    with AuthorizedSession(credentials) as session:
        answer = session.get(url, timeout=30)
    assert (answer.status_code, answer.json()["error"]["status"]) == (501, "UNIMPLEMENTED")


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/storage/v1/b",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/models",
    ],
)
def test_calls_without_a_token_are_refused(url):
    assert requests.get(url, timeout=30).status_code == 401
