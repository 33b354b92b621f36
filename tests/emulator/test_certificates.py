"""What clients check of the emulator's certificates, and what must not lie on the disk."""

import datetime as dt
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from dagfactory.emulator import certificates


@pytest.fixture
def made(tmp_path):
    return certificates.create(tmp_path / "tls")


def _shake_hands(made, host):
    """Do a TLS handshake as strictly as OpenSSL can; returns the server's certificate."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.certificate, made.key)
    asking = ssl.create_default_context(cafile=made.authority)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()

    def serve():
        try:
            with serving.wrap_socket(far, server_side=True) as connection:
                connection.recv(1)
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with near, asking.wrap_socket(near, server_hostname=host) as connection:
            return connection.getpeercert()
    finally:
        thread.join(timeout=60)


@pytest.mark.parametrize(
    "host", ["storage.googleapis.com", "us-central1-aiplatform.googleapis.com", "localhost"]
)
def test_the_hosts_are_trusted(made, host):
    assert _shake_hands(made, host)["subjectAltName"]


@pytest.mark.parametrize("host", ["example.com", "a.b.googleapis.com", "googleapis.com.example"])
def test_another_host_is_not(made, host):
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _shake_hands(made, host)


def test_each_emulator_has_an_authority_of_its_own(made, tmp_path):
    other = certificates.create(tmp_path / "other")
    mixed = certificates.Certificates(other.authority, made.certificate, made.key)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        _shake_hands(mixed, "localhost")


def test_the_lifetime_is_thirty_days(made):
    server = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    now = dt.datetime.now(dt.UTC)
    assert server.not_valid_before_utc < now
    assert now + dt.timedelta(days=29) < server.not_valid_after_utc < now + dt.timedelta(days=31)


def test_the_authority_signs_servers_only(made):
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (
        True,
        True,
        0,
    )


def test_the_only_key_on_the_disk_is_the_servers_and_private(made):
    folder = made.key.parent
    made.key.chmod(0o644)  # as an older version may have left it
    made = certificates.create(folder)
    assert made.key.stat().st_mode & 0o777 == 0o600
    keys = [path.name for path in folder.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert keys == ["key.pem"]
