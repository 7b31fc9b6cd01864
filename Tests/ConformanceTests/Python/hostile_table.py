"""The table of the hostile cases: what each sends, and what must follow.

Each case has a connection of its own. Another connection, open all the time, must be served while
that of the case is open and after it, and the server's memory must be what it was before the case, but
for a bounded rest.
"""

import os
import pathlib
import time

import h2.exceptions
import http2_client
from cases import Cases, equal
from raw_connection import Raw

MIB = 1 << 20
# What one case may leave behind: the allocator's rest, and what is made at the first use.
KEPT_BYTES_MAX = 12 * MIB
# What one case may take meanwhile: the largest message, twice, with room to unpack it.
PEAK_BYTES_MAX = 32 * MIB
# What all cases together may leave behind.
KEPT_IN_ALL_BYTES_MAX = 48 * MIB
# What the server may work before the other connection's call is answered: its turn comes after at most
# one read of the attacker. Its own work, not the time that passes: both processors are busy with tests.
WITNESS_WORK_SECONDS_MAX = 5
# How long memory may stay taken: connections that linger are let go within a second or two.
KEPT_SECONDS_MAX = 30
# How often a new connection may be tried on a server with one short time, which may be what ends it.
WITNESS_TRIES_MAX = 5

cases = Cases()


class Server:
    """One server under attack."""

    def __init__(self, port, process, authority=None, keeps_witness=True):
        self.port = port
        self.process = process
        self.authority = authority
        self.keeps_witness = keeps_witness
        # Opened before the first case: a server may send away who answers nothing for minutes.
        self.witness = None
        self.bytes_at_first = None

    def connect(self):
        return http2_client.Client(self.port, self.authority)

    def memory(self, field):
        for line in self.file("status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def file(self, name):
        return pathlib.Path(f"/proc/{self.process}/{name}")

    def work_seconds(self):
        """The processor's time that it has used."""
        fields = self.file("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check_witness(self):
        begin = self.work_seconds()
        status = self.kept_status() if self.keeps_witness else self.new_status()
        seconds = self.work_seconds() - begin
        equal(status, 0, "the other connection's call")
        assert seconds < WITNESS_WORK_SECONDS_MAX, f"the other connection's call took {seconds} s"

    def kept_status(self):
        return self.witness.call("grpc.testing.TestService/EmptyCall", b"").status

    def new_status(self):
        for left in reversed(range(WITNESS_TRIES_MAX)):
            witness = None
            try:
                witness = self.connect()
                return witness.call("grpc.testing.TestService/EmptyCall", b"").status
            except (ConnectionError, h2.exceptions.ProtocolError):
                if not left:
                    raise
            finally:
                if witness:
                    witness.close()

    def begin(self):
        if self.bytes_at_first is None:
            self.witness = self.connect() if self.keeps_witness else None
            self.check_witness()
            self.bytes_at_first = self.memory("VmRSS")
        # 5 sets the peak back to what is used now (proc(5), "clear_refs").
        self.file("clear_refs").write_text("5")
        self.bytes_before = self.memory("VmRSS")

    def check(self, peak_bytes_max):
        self.check_witness()
        peak = self.memory("VmHWM") - self.bytes_before
        assert peak < peak_bytes_max, f"{peak >> 10} KiB of memory at the peak"
        self.check_kept(self.bytes_before, KEPT_BYTES_MAX, "")
        self.check_kept(self.bytes_at_first, KEPT_IN_ALL_BYTES_MAX, " by all cases")

    def check_kept(self, bytes_before, bytes_max, by):
        deadline = time.monotonic() + KEPT_SECONDS_MAX
        while (kept := self.memory("VmRSS") - bytes_before) >= bytes_max:
            assert time.monotonic() < deadline, f"{kept >> 10} KiB of memory kept{by}"
            time.sleep(0.05)


def _case(function, then, name, on="plain", peak_mib=0, **options):
    def run(servers):
        target = servers[on]
        target.begin()
        connection = Raw(target, **options)
        try:
            function(connection)
            # What was sent may not have been read yet: the attack goes on.
            target.check_witness()
            then(connection)
        finally:
            connection.close()
        target.check(peak_mib * MIB or PEAK_BYTES_MAX)

    cases.add(name or function.__name__, run)
    function.again = (then, name, options)
    return function


def again_over_tls(function):
    """The same case, with the same outcome, on the server that speaks TLS."""
    then, name, options = function.again
    _case(function, then, f"{name or function.__name__}_over_tls", on="tls", **options)


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


def ignored(function=None, *, name=None, **options):
    """Nothing: the connection goes on."""
    if function is None:
        return lambda f: ignored(f, name=name, **options)
    return _case(function, lambda c: c.expect_alive(), name, **options)


def judged(function=None, *, name=None, **options):
    """What the case itself asserts."""
    if function is None:
        return lambda f: judged(f, name=name, **options)
    return _case(function, lambda c: None, name, **options)
