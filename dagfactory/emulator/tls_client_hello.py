"""Read the protocols offered in a TLS ClientHello (ALPN, RFC 7301) without ending the TLS."""

RECORD_HEADER = 5
HANDSHAKE = 22
ALPN = 16


def record_length(header: bytes) -> int:
    """Return the body length of a TLS record from its 5-byte header, 0 if it is not a handshake."""
    return int.from_bytes(header[3:5], "big") if header[0] == HANDSHAKE else 0


def offered_protocols(record: bytes) -> tuple[str, ...]:
    """Return the ALPN names of a whole ClientHello record; () when there are none.

    Layout (RFC 8446 section 4.1.2): 4 bytes handshake header, 2 version, 32 random, then
    session id, cipher suites and compression methods, each with a length, then extensions.
    """
    if len(record) < RECORD_HEADER or len(record) < RECORD_HEADER + record_length(record):
        return ()
    try:
        return _protocols(record)
    except (IndexError, UnicodeDecodeError):
        return ()


def _protocols(record: bytes) -> tuple[str, ...]:
    at = RECORD_HEADER + 4 + 2 + 32
    at += 1 + record[at]
    at += 2 + _short(record, at)
    at += 1 + record[at]
    end = at + 2 + _short(record, at)
    at += 2
    while at < end:
        kind, length = _short(record, at), _short(record, at + 2)
        at += 4
        if kind == ALPN:
            return _names(record[at + 2 : at + length])
        at += length
    return ()


def _names(data: bytes) -> tuple[str, ...]:
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 1 : at + 1 + data[at]].decode("ascii"))
        at += 1 + data[at]
    return tuple(names)


def _short(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]
