"""A connection that sends any bytes and reads frames, and what a server must answer to them."""

import dataclasses
import socket
import ssl
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = range(5)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
ENHANCE_YOUR_CALM = 11

HEADER_TABLE_SIZE, ENABLE_PUSH, CONCURRENT_STREAMS, INITIAL_WINDOW, FRAME_SIZE = 1, 2, 3, 4, 5

WINDOW_MAX = 2**31 - 1
# Less than the minute after which a server gives up whoever reads nothing.
SECONDS_MAX = 40


def frame(type_, flags=0, stream=0, payload=b"", length=None):
    """One frame; `length` lies about the payload's."""
    count = len(payload) if length is None else length
    return struct.pack(">BHBBI", count >> 16, count & 0xFFFF, type_, flags, stream) + payload


def settings(*entries):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *entry) for entry in entries))


def ping():
    return frame(PING, payload=b"12345678")


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def body(stream, payload, end=True):
    """DATA frames that are small enough for any server."""
    pieces = [payload[at:at + 16384] for at in range(0, len(payload), 16384)] or [b""]
    return b"".join(
        data(stream, piece, end and index == len(pieces) - 1) for index, piece in enumerate(pieces)
    )


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def data(stream, payload=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def priority(stream, on=0, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", on, weight))


def literal(name, value):
    """A field without indexing and without Huffman's code, whatever its bytes are."""
    return b"\x00" + hpack.hpack.encode_integer(len(name), 7) + name + (
        hpack.hpack.encode_integer(len(value), 7) + value
    )


@dataclasses.dataclass
class Frame:
    type: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self):
        """The error code of RST_STREAM or GOAWAY."""
        place = 4 if self.type == GOAWAY else 0
        return struct.unpack(">I", self.payload[place:place + 4])[0]


class Closed(Exception):
    """The server ended the connection."""


class Raw:
    """A client without manners. What the server sends is read only when something is expected."""

    def __init__(self, server, *entries, greet=True):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.authority:
            context = ssl.create_default_context(cafile=server.authority)
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.input = b""
        # Fields that a case has read itself before it expects an answer.
        self.before = []
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        if greet:
            # The server's own settings hold from their acknowledgement on.
            self.send(PREFACE, settings(*entries), frame(SETTINGS, ACK))

    def close(self):
        self.socket.close()

    def send(self, *pieces):
        try:
            self.socket.sendall(b"".join(pieces))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # What the server said before it closed is what counts.

    def block(self, fields):
        """Encodes fields; the server must be sent every block that was made, in order."""
        return self.encoder.encode(fields)

    def request(self, stream=1, end=True, method="POST", path="/", extra=(), flags=0):
        """A header section in one frame."""
        fields = [
            (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            *extra,
        ]
        flags |= END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, stream, self.block(fields))

    def call(self, method, stream=1, end=False, extra=()):
        """The header section of a gRPC call of the test service."""
        fields = [("content-type", "application/grpc"), ("te", "trailers"), *extra]
        return self.request(stream, end, "POST", f"/grpc.testing.TestService/{method}", fields)

    # Reading

    def next(self, deadline):
        """The next frame.

        Raises Closed at the end of the connection.
        """
        while True:
            if len(self.input) >= 9:
                high, low, type_, flags, stream = struct.unpack(">BHBBI", self.input[:9])
                count = 9 + (high << 16 | low)
                if len(self.input) >= count:
                    payload, self.input = self.input[9:count], self.input[count:]
                    return Frame(type_, flags, stream & WINDOW_MAX, payload)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the server sent nothing that was waited for")
            self.socket.settimeout(left)
            try:
                read = self.socket.recv(1 << 18)
            except (ConnectionResetError, ssl.SSLError) as error:
                raise Closed from error
            if not read:
                raise Closed
            self.input += read

    def until(self, found, seconds=SECONDS_MAX):
        """The first frame for which `found` says yes, and those before it."""
        deadline, before = time.monotonic() + seconds, []
        while True:
            try:
                each = self.next(deadline)
            except (Closed, TimeoutError) as error:
                raise AssertionError(f"{type(error).__name__} {error}; before it {before}") from error
            if each.type in (HEADERS, CONTINUATION):
                each.fields = self.decoder.decode(each.payload)
            if found(each):
                return each, before
            before.append(each)

    # What must follow

    def expect_connection_error(self, *codes, seconds=SECONDS_MAX):
        """GOAWAY with one of the codes, then the end of the connection."""
        said, before = self.until(lambda each: each.type == GOAWAY, seconds)
        # The announcement of a drain is not the last word.
        while said.code == NO_ERROR and NO_ERROR not in codes:
            said, _ = self.until(lambda each: each.type == GOAWAY, seconds)
        if said.code not in codes:
            raise AssertionError(f"GOAWAY {said.code} {said.payload[8:]}, wanted {codes}")
        self.expect_closed()
        return before

    def expect_closed(self, seconds=SECONDS_MAX):
        """The end of the connection, whatever comes before."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.next(deadline)
        except Closed:
            pass

    def expect_stream_error(self, stream, *codes):
        """RST_STREAM with one of the codes; the connection goes on."""
        said, _ = self.until(
            lambda each: each.type == GOAWAY or (each.type == RST_STREAM and each.stream == stream)
        )
        if said.type == GOAWAY:
            raise AssertionError(f"GOAWAY {said.code} {said.payload[8:]}, wanted RST_STREAM {codes}")
        if said.code not in codes:
            raise AssertionError(f"RST_STREAM {said.code}, wanted {codes}")
        self.expect_alive()

    def expect_answer(self, stream, status="200", **wanted):
        """A response; fields of its header section or trailers, with _ for -.

        Returns its body.
        """
        def is_end(each):
            ends = each.type in (DATA, HEADERS) and each.flags & END_STREAM
            return each.type == GOAWAY or each.stream == stream and (
                ends or (each.type == RST_STREAM and each.code != NO_ERROR)
            )

        last, before = self.until(is_end)
        if last.type in (GOAWAY, RST_STREAM):
            raise AssertionError(f"frame {last.type} code {last.code} {last.payload[8:]}")
        frames = [each for each in (*before, last) if each.stream == stream]
        fields = dict(sum((each.fields for each in frames if each.type == HEADERS), self.before))
        for name, value in {":status": status, **wanted}.items():
            if fields.get(name.replace("_", "-")) != value:
                raise AssertionError(f"{name}: wanted {value!r} in {fields}")
        return b"".join(each.payload for each in frames if each.type == DATA)

    def expect_alive(self):
        """An answer to a PING, and none of GOAWAY."""
        self.send(ping())
        said, _ = self.until(lambda each: each.type == GOAWAY or (each.type, each.flags) == (PING, ACK))
        if said.type == GOAWAY:
            raise AssertionError(f"GOAWAY {said.code} {said.payload[8:]}")
