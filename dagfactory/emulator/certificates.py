"""A throw-away certificate authority and one server certificate for *.googleapis.com."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme

from dagfactory.emulator.files import replace_text

LIFETIME = dt.timedelta(days=30)
HOSTS = ("*.googleapis.com", "googleapis.com", "localhost")


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the authority clients trust, the server's certificate and its private key."""

    authority: Path
    certificate: Path
    key: Path


def create(directory: Path) -> Certificates:
    """Write a new authority, certificate and key (elliptic curve P-256) into `directory`.

    The server's certificate is valid for 30 days, its key readable by its owner only.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = Certificates(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    # path_length 0: the authority signs servers, not further authorities. trustme dates it to the
    # year 3000; nobody can use it for longer than this process lives, for its key is never written.
    authority = trustme.CA(
        path_length=0,
        organization_name="dagfactory emulator",
        organization_unit_name="throw-away authority",
    )
    now = dt.datetime.now(dt.UTC)
    server = authority.issue_cert(
        *HOSTS,
        organization_name="dagfactory emulator",
        not_before=now - dt.timedelta(days=1),  # the clock of a container may be behind
        not_after=now + LIFETIME,
    )
    authority.cert_pem.write_to_path(files.authority)
    server.cert_chain_pems[0].write_to_path(files.certificate)
    replace_text(files.key, server.private_key_pem.bytes().decode())
    return files
