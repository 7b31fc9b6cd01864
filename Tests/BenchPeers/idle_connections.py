"""Opens many HTTP/2 connections to a gRPC server, makes one call on each, and tells what an idle one
costs the server.

    idle_connections.py PORT COUNT PROCESS [--tls]

PROCESS is the server's. Each connection calls grpc.health.v1.Health/Check once and stays open. Prints
how many resident bytes the server has more for each than before the first.
"""

import pathlib
import resource
import socket
import ssl
import struct
import sys
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, ACK, END_HEADERS = 1, 1, 4
# What the server needs to free what only the beginning took.
SETTLE_SECONDS = 2.0


def frame(kind, flags, stream, payload=b""):
    """One frame of HTTP/2 (RFC 9113 §4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream
    ) + payload


def indexed(name, value):
    """A header field that enters the peer's table, as clients send theirs (RFC 7541 §6.2.1)."""
    name, value = name.encode(), value.encode()
    return bytes([0x40, len(name)]) + name + bytes([len(value)]) + value


def request(port):
    """Preface, settings and a whole call."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", f"127.0.0.1:{port}"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "idle-connections/1"),
    ]
    block = b"".join(indexed(*field) for field in fields)
    return (
        PREFACE
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, END_HEADERS, 1, block)
        + frame(DATA, END_STREAM, 1, bytes(5))
    )


def read_exactly(connection, count):
    """Exactly so many bytes."""
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            sys.exit("the server closed a connection")
        parts += part
    return parts


def call(connection, port):
    """Makes the call and acknowledges the server's settings."""
    connection.sendall(request(port))
    answered = acknowledged = False
    while not (answered and acknowledged):
        head = read_exactly(connection, 9)
        kind, flags = head[3], head[4]
        stream = struct.unpack(">I", head[5:])[0]
        payload = read_exactly(connection, int.from_bytes(head[:3], "big"))
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
            acknowledged = True
        if stream == 1 and kind == DATA and payload[5:] != b"\x08\x01":
            sys.exit("the server does not serve")
        answered = answered or (stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM)


def connect(port, context):
    """A connection that has made its call."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        connection = context.wrap_socket(connection)
    call(connection, port)
    return connection


def encryption():
    """TLS that trusts anyone: the certificate is the benchmark's own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def resident_bytes(process):
    """What the process holds in memory now."""
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    sys.exit(f"process {process} has no memory")


def main():
    """Connects, waits and tells."""
    port, count, process = (int(argument) for argument in sys.argv[1:4])
    context = encryption() if "--tls" in sys.argv else None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # What the first connections alone cost is no other's.
    for connection in [connect(port, context) for _ in range(20)]:
        connection.close()
    time.sleep(SETTLE_SECONDS)
    before = resident_bytes(process)
    connections = [connect(port, context) for _ in range(count)]
    time.sleep(SETTLE_SECONDS)
    print((resident_bytes(process) - before) // count)
    for connection in connections:
        connection.setblocking(False)
        try:
            if not connection.recv(1):
                sys.exit("the server closed a connection that was idle")
        except (BlockingIOError, ssl.SSLWantReadError):
            pass


main()
