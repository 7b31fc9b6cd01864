"""The table of the hostile cases: what each sends, and what must follow.

Each case has a connection of its own; after it another connection, open all the time, must still be
served, and the server's memory must be what it was, but for a bounded rest.
"""

import pathlib

import http2_client
from cases import Cases, equal
from raw_connection import Raw

# What all cases together may leave behind, and what any may take meanwhile.
KEPT_BYTES_MAX = 48 << 20
PEAK_BYTES_MAX = 192 << 20

cases = Cases()


class Server:
    """The server under attack; with `brisk` the one whose time limits are short."""

    def __init__(self, port, process, keeps_witness=True):
        self.port = port
        self.process = process
        self.brisk = None
        self.witness = http2_client.Client(port) if keeps_witness else None
        self.check_witness()
        self.bytes_before = self.memory("VmRSS")

    def memory(self, field):
        for line in pathlib.Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def check_witness(self):
        witness = self.witness or http2_client.Client(self.port)
        answer = witness.call("grpc.testing.TestService/EmptyCall", b"")
        equal(answer.status, 0, "the other connection's call")
        if witness is not self.witness:
            witness.close()

    def check(self):
        self.check_witness()
        kept = self.memory("VmRSS") - self.bytes_before
        assert kept < KEPT_BYTES_MAX, f"{kept >> 20} MiB of memory kept"
        peak = self.memory("VmHWM") - self.bytes_before
        assert peak < PEAK_BYTES_MAX, f"{peak >> 20} MiB of memory at the peak"


def _case(function, then, name, brisk=False, **options):
    def run(server):
        target = server.brisk if brisk else server
        connection = Raw(target, **options)
        try:
            function(connection)
            then(connection)
        finally:
            connection.close()
        target.check()

    cases.add(name or function.__name__, run)
    return function


def connection_error(*codes, name=None, **options):
    """GOAWAY with one of the codes, then the end of the connection."""
    return lambda f: _case(f, lambda c: c.expect_connection_error(*codes), name, **options)


def stream_error(*codes, stream=1, name=None, **options):
    """RST_STREAM with one of the codes; the connection goes on."""
    return lambda f: _case(f, lambda c: c.expect_stream_error(stream, *codes), name, **options)


def closed(function=None, *, name=None, **options):
    """The end of the connection, which never spoke HTTP/2."""
    if function is None:
        return lambda f: closed(f, name=name, **options)
    return _case(function, lambda c: c.expect_closed(), name, **options)


def status(http="200", *, stream=1, name=None, options=None, **fields):
    """An answer with these fields; the connection goes on."""

    def then(c):
        c.expect_answer(stream, http, **fields)
        c.expect_alive()

    return lambda f: _case(f, then, name, **(options or {}))


def answered(function):
    """The usual answer on stream 1; the connection goes on."""
    return status()(function)


def ignored(function):
    """Nothing: the connection goes on."""
    return _case(function, lambda c: c.expect_alive(), None)


def judged(function=None, *, brisk=False, name=None, **options):
    """What the case itself asserts."""
    if function is None:
        return lambda f: judged(f, brisk=brisk, name=name, **options)
    return _case(function, lambda c: None, name, brisk=brisk, **options)
