import ssl

import pytest

from dagfactory.emulator.tls_client_hello import offered_protocols


def client_hello(*protocols):
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="storage.googleapis.com")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("protocols", [(), ("h2",), ("http/1.1",), ("h2", "http/1.1")])
def test_reads_the_offered_protocols_of_a_real_client_hello(protocols):
    assert offered_protocols(client_hello(*protocols)) == protocols


def test_a_cut_client_hello_offers_nothing():
    whole = client_hello("h2")
    assert {offered_protocols(whole[:length]) for length in range(len(whole))} == {()}
