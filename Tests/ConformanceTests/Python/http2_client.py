"""A client on h2 that shows what gRPC libraries hide: flags of messages, frames, raw metadata."""

import dataclasses
import socket
import ssl
import struct
import zlib

import h2.config
import h2.connection
import h2.events
import h2.settings

TIMEOUT_SECONDS = 60


def framed(message, compress=False):
    """A message behind its five bytes."""
    if compress:
        message = zlib.compress(message, wbits=31)
    return struct.pack(">BI", compress, len(message)) + message


@dataclasses.dataclass
class Answer:
    """What came back on one stream."""

    headers: dict = dataclasses.field(default_factory=dict)
    trailers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None

    @property
    def status(self):
        """grpc-status as a number, from the trailers or from a block that is both."""
        return int((self.trailers or self.headers).get("grpc-status", -1))

    @property
    def message(self):
        return (self.trailers or self.headers).get("grpc-message", "")

    @property
    def messages(self):
        """(whether compressed, the bytes) of each message."""
        found, rest = [], self.body
        while rest:
            flag, count = struct.unpack(">BI", rest[:5])
            message, rest = rest[5:5 + count], rest[5 + count:]
            found.append((flag == 1, zlib.decompress(message, wbits=31) if flag else message))
        return found


class Client:
    """One connection, one request after another."""

    def __init__(self, port, authority_file=None, settings=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if authority_file:
            context = ssl.create_default_context(cafile=authority_file)
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        configuration = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(configuration)
        if settings:
            self.h2.local_settings.update(settings)
        self.h2.initiate_connection()
        self.flush()
        self.answers = {}
        self.ended = set()
        self.goaway = None

    def close(self):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, headers, body=b""):
        """Sends a whole request and waits for its answer."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, headers, end_stream=not body)
        self.flush()
        while body:
            room = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size
            )
            if stream in self.ended:
                break
            if room == 0:
                self.read()
                continue
            chunk, body = body[:room], body[room:]
            self.h2.send_data(stream, chunk, end_stream=not body)
            self.flush()
        while stream not in self.ended:
            self.read()
        return self.answers[stream]

    def call(self, method, *messages, metadata=(), compress=None):
        """Calls a gRPC method; `compress` says so for each message."""
        flags = compress or [False] * len(messages)
        encoding = [("grpc-encoding", "gzip")] if any(flags) else []
        body = b"".join(framed(m, flag) for m, flag in zip(messages, flags, strict=True))
        return self.request(
            [*self.head(method), ("grpc-accept-encoding", "identity,gzip"), *encoding, *metadata],
            body,
        )

    @staticmethod
    def head(method):
        """The header section of a gRPC call."""
        return [
            (":method", "POST"), (":scheme", "http"), (":path", f"/{method}"),
            (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc"),
        ]

    def read(self):
        """Takes what the server sent and notes it."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        for event in self.h2.receive_data(data):
            self.note(event)
        self.flush()

    def note(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.ResponseReceived():
                answer.headers = dict(event.headers)
            case h2.events.TrailersReceived():
                answer.trailers = dict(event.headers)
            case h2.events.DataReceived():
                answer.body += event.data
                self.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
            case h2.events.StreamEnded():
                self.ended.add(event.stream_id)
            case h2.events.StreamReset():
                answer.reset = event.error_code
                self.ended.add(event.stream_id)
            case h2.events.ConnectionTerminated():
                self.goaway = event.error_code
