"""Frames that break RFC 9113's rules on framing and on the states of streams."""

import struct

from hostile_calls import HALF_AN_HOUR, message
from hostile_table import answered, connection_error, ignored, status, stream_error
from raw_connection import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE,
    FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW, PADDED, PING, PREFACE, PRIORITIZED, PRIORITY,
    PROTOCOL_ERROR, PUSH_PROMISE, ENABLE_PUSH, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED,
    WINDOW_MAX, WINDOW_UPDATE, data, frame, ping, priority, reset, settings, window_update,
)

FRAME_BYTES_MAX = 16384
STREAM_WINDOW = 256 * 1024


def ended(c, stream=1):
    """Waits until a request on `stream` is answered to its end."""
    c.send(c.request(stream))
    c.expect_answer(stream)


def trailers(stream):
    """A header section that ends a request."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x00\x01a\x01b")


# Sizes

@connection_error(FRAME_SIZE_ERROR)
def data_frame_over_the_size_limit(c):
    c.send(c.request(end=False), data(1, bytes(FRAME_BYTES_MAX + 1)))


@connection_error(FRAME_SIZE_ERROR)
def headers_frame_over_the_size_limit(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes(FRAME_BYTES_MAX + 1)))


@connection_error(FRAME_SIZE_ERROR)
def settings_frame_over_the_size_limit(c):
    c.send(frame(SETTINGS, payload=bytes(6 * 2731)))


@connection_error(FRAME_SIZE_ERROR)
def unknown_frame_over_the_size_limit(c):
    c.send(frame(0x42, payload=bytes(FRAME_BYTES_MAX + 1)))


for type_, length, stream in (
    (PING, 7, 0), (PING, 9, 0), (PRIORITY, 4, 1), (RST_STREAM, 3, 1), (RST_STREAM, 5, 1),
    (SETTINGS, 5, 0), (WINDOW_UPDATE, 3, 0), (WINDOW_UPDATE, 5, 1), (GOAWAY, 7, 0),
):
    @connection_error(FRAME_SIZE_ERROR, name=f"frame_{type_}_of_{length}_bytes")
    def wrong_length(c, type_=type_, length=length, stream=stream):
        if stream:
            c.send(c.request(1, end=False))
        c.send(frame(type_, 0, stream, bytes(length)))


@connection_error(FRAME_SIZE_ERROR)
def settings_acknowledgement_with_a_payload(c):
    c.send(frame(SETTINGS, ACK, 0, bytes(6)))


# What belongs to no stream, or to one

for type_, payload in ((SETTINGS, b""), (PING, bytes(8)), (GOAWAY, bytes(8))):
    @connection_error(PROTOCOL_ERROR, name=f"frame_{type_}_on_a_stream")
    def on_a_stream(c, type_=type_, payload=payload):
        c.send(c.request(1, end=False), frame(type_, 0, 1, payload))


for type_, payload in (
    (DATA, b"x"), (HEADERS, b"\x82\x86\x84"), (PRIORITY, bytes(5)), (RST_STREAM, bytes(4)),
    (CONTINUATION, b"\x82"),
):
    @connection_error(PROTOCOL_ERROR, name=f"frame_{type_}_on_no_stream")
    def on_no_stream(c, type_=type_, payload=payload):
        c.send(frame(type_, END_HEADERS if type_ in (HEADERS, CONTINUATION) else 0, 0, payload))


# Streams that nobody opened

@connection_error(PROTOCOL_ERROR)
def data_on_an_idle_stream(c):
    c.send(data(1, b"x", end=True))


@connection_error(PROTOCOL_ERROR)
def reset_of_an_idle_stream(c):
    c.send(reset(1))


@connection_error(PROTOCOL_ERROR)
def window_update_of_an_idle_stream(c):
    c.send(window_update(1, 100))


@connection_error(PROTOCOL_ERROR)
def continuation_of_an_idle_stream(c):
    c.send(frame(CONTINUATION, END_HEADERS, 1, b"\x82"))


@connection_error(PROTOCOL_ERROR)
def push_promise_from_a_client(c):
    c.send(c.request(1, end=False))
    c.send(frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82\x86\x84"))


# Stream ids

@connection_error(PROTOCOL_ERROR)
def even_stream_id(c):
    c.send(c.request(2))


@connection_error(PROTOCOL_ERROR)
def stream_id_lower_than_one_seen(c):
    c.send(c.request(5), c.request(3))


@connection_error(PROTOCOL_ERROR)
def stream_id_lower_than_the_highest_there_is(c):
    c.send(c.request(WINDOW_MAX))
    c.expect_answer(WINDOW_MAX)
    c.send(c.request(1))


@status(stream=797)
def stream_ids_with_gaps_without_end(c):
    """They are legal: proxies take an id and then send nothing on it."""
    c.send(*(c.request(1 + 4 * index) for index in range(200)))


@connection_error(PROTOCOL_ERROR)
def stream_id_passed_over_before_many_others(c):
    for index in range(40):
        ended(c, 1 + 4 * index)
    c.send(c.request(7))


@ignored
def reserved_bit_of_the_stream_id(c):
    request = bytearray(c.request(1))
    request[5] |= 0x80
    c.send(bytes(request))
    c.expect_answer(1)


# Half closed by the client

@connection_error(STREAM_CLOSED)
def data_after_the_end_of_the_request(c):
    c.send(c.call("FullDuplexCall", end=True), data(1, b"x"))


@connection_error(STREAM_CLOSED)
def headers_after_the_end_of_the_request(c):
    c.send(c.request(1), c.request(1))


@connection_error(PROTOCOL_ERROR)
def continuation_after_the_end_of_the_request(c):
    c.send(c.request(1), frame(CONTINUATION, END_HEADERS, 1, b"\x82"))


# Closed

@connection_error(STREAM_CLOSED)
def data_on_a_closed_stream(c):
    ended(c)
    c.send(data(1, b"x"))


@connection_error(STREAM_CLOSED)
def headers_on_a_closed_stream(c):
    ended(c)
    c.send(c.request(1))


for count in (33, 40):
    @connection_error(PROTOCOL_ERROR, name=f"headers_on_a_stream_{count}_before_the_last")
    def headers_on_an_old_stream(c, count=count):
        for index in range(count + 1):
            ended(c, 1 + 2 * index)
        c.send(c.request(1))

    @ignored(name=f"data_on_a_stream_{count}_before_the_last")
    def data_on_an_old_stream(c, count=count):
        for index in range(count + 1):
            ended(c, 1 + 2 * index)
        c.send(data(1, b"x"))


@connection_error(PROTOCOL_ERROR)
def continuation_on_a_closed_stream(c):
    ended(c)
    c.send(frame(CONTINUATION, END_HEADERS, 1, b"\x82"))


@stream_error(STREAM_CLOSED)
def data_after_a_reset(c):
    c.send(c.request(1, end=False), reset(1), data(1, b"x"))


@stream_error(STREAM_CLOSED)
def headers_after_a_reset(c):
    c.send(c.request(1, end=False), reset(1), c.request(1))


@connection_error(PROTOCOL_ERROR)
def continuation_after_a_reset(c):
    c.send(c.request(1, end=False), reset(1), frame(CONTINUATION, END_HEADERS, 1, b"\x82"))


@ignored
def window_update_priority_and_reset_on_a_closed_stream(c):
    ended(c)
    c.send(window_update(1, 1), priority(1), reset(1))


@ignored
def data_on_a_stream_that_the_server_reset(c):
    c.send(c.request(1, end=False, extra=[("connection", "close")]), data(1, bytes(1000)) * 20)


@ignored
def trailers_on_many_streams_that_the_server_reset(c):
    streams = range(1, 201, 2)
    for stream in streams:
        c.send(c.request(stream, end=False, extra=[("connection", "close")]))
        c.until(lambda each: each.type == RST_STREAM)
    for stream in streams:
        c.send(data(stream, b"x"), trailers(stream))


# Padding

for name, first, type_ in (
    ("data", b"", DATA), ("headers", b"\x82\x86\x84", HEADERS),
):
    @connection_error(PROTOCOL_ERROR, name=f"{name}_with_more_padding_than_payload")
    def padding(c, first=first, type_=type_):
        if type_ == DATA:
            c.send(c.request(1, end=False))
        flags = PADDED | END_STREAM | (END_HEADERS if type_ == HEADERS else 0)
        c.send(frame(type_, flags, 1, bytes([200]) + first + b"x"))


@connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def padded_data_without_a_padding_length(c):
    c.send(c.request(1, end=False), frame(DATA, PADDED, 1))


@connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)
def headers_too_short_for_their_priority(c):
    c.send(frame(HEADERS, PRIORITIZED | END_HEADERS | END_STREAM, 1, bytes(4)))


@answered
def padding_counts_for_flow_control_and_is_given_back(c):
    c.send(c.request(1, end=False))
    # Three windows' worth of padding: none would fit if it were not given back.
    for _ in range(3 * STREAM_WINDOW // 256):
        c.send(frame(DATA, PADDED, 1, bytes([255]) + bytes(255)))
    c.send(data(1, end=True))


# A header section in several frames

@answered
def header_section_in_several_frames(c):
    block = c.request(1)[9:]
    c.send(frame(HEADERS, END_STREAM, 1, block[:2]), frame(CONTINUATION, 0, 1, block[2:3]))
    c.send(frame(CONTINUATION, END_HEADERS, 1, block[3:]))


for name, interloper in (
    ("data", data(1, b"x")), ("ping", ping()), ("priority", priority(3)),
    ("settings", settings()), ("an_unknown_frame", frame(0x42, payload=b"x")),
    ("a_continuation_of_another_stream", frame(CONTINUATION, END_HEADERS, 3, b"\x84")),
    ("headers_of_another_stream", frame(HEADERS, END_HEADERS, 3, b"\x84")),
):
    @connection_error(PROTOCOL_ERROR, name=f"header_section_broken_by_{name}")
    def interrupted(c, interloper=interloper):
        c.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86"), interloper)


# SETTINGS

for entry, code in (
    ((ENABLE_PUSH, 2), PROTOCOL_ERROR), ((INITIAL_WINDOW, 2**31), FLOW_CONTROL_ERROR),
    ((FRAME_SIZE, 16383), PROTOCOL_ERROR), ((FRAME_SIZE, 2**24), PROTOCOL_ERROR),
):
    @connection_error(code, name=f"setting_{entry[0]}_of_{entry[1]}")
    def bad_setting(c, entry=entry):
        c.send(settings(entry))


@ignored
def unknown_setting(c):
    c.send(settings((0xFF00, 1)))


@connection_error(PROTOCOL_ERROR)
def acknowledgement_of_settings_that_were_not_sent(c):
    c.send(frame(SETTINGS, ACK) * 3)


@ignored
def acknowledgement_of_a_ping_that_was_not_sent(c):
    c.send(frame(PING, ACK, 0, bytes(8)))


@ignored
def goaway_and_resets_with_unknown_codes(c):
    c.send(c.request(1, end=False), reset(1, 0xFFFF))
    c.send(frame(0x42, 0xFF, 7, bytes(100)))


# Flow control

@connection_error(PROTOCOL_ERROR)
def window_update_of_nothing_on_the_connection(c):
    c.send(window_update(0, 0))


# For a stream nghttp2 makes it an error of the connection, as RFC 9113 §5.4.2 allows.
@connection_error(PROTOCOL_ERROR)
def window_update_of_nothing_on_a_stream(c):
    c.send(c.request(1, end=False), window_update(1, 0))


@connection_error(FLOW_CONTROL_ERROR)
def connection_window_beyond_its_maximum(c):
    c.send(window_update(0, WINDOW_MAX), window_update(0, WINDOW_MAX))


@stream_error(FLOW_CONTROL_ERROR)
def stream_window_beyond_its_maximum(c):
    c.send(c.request(1, end=False), window_update(1, WINDOW_MAX))


@connection_error(FLOW_CONTROL_ERROR)
def settings_that_push_a_stream_window_beyond_its_maximum(c):
    c.send(c.request(1, end=False), window_update(1, WINDOW_MAX - 65535))
    c.send(settings((INITIAL_WINDOW, WINDOW_MAX)))


@stream_error(FLOW_CONTROL_ERROR)
def more_data_than_the_stream_window(c):
    # No window is given back meanwhile.
    c.send(c.call("FullDuplexCall"), data(1, message(HALF_AN_HOUR)))
    for _ in range(STREAM_WINDOW // FRAME_BYTES_MAX + 2):
        c.send(data(1, message(bytes(FRAME_BYTES_MAX - 5))))


@answered
def response_through_a_window_of_one_byte(c):
    c.send(settings((INITIAL_WINDOW, 1)), c.request(1))
    first, before = c.until(lambda each: each.type == DATA)
    assert len(first.payload) == 1, first
    c.before = before[-1].fields
    c.send(settings((INITIAL_WINDOW, 1000)))


@answered
def response_after_a_window_below_zero(c):
    c.send(settings((INITIAL_WINDOW, 3)), c.request(1))
    first, before = c.until(lambda each: each.type == DATA)
    assert len(first.payload) == 3, first
    c.before = before[-1].fields
    c.send(settings((INITIAL_WINDOW, 0)), window_update(1, 2), ping())
    _, before = c.until(lambda each: (each.type, each.flags) == (PING, ACK))
    assert not any(each.type == DATA for each in before), "sent beyond the window"
    c.send(settings((INITIAL_WINDOW, 1000)))


def one_stream_too_many(c):
    c.send(settings((INITIAL_WINDOW, 0)), *(c.request(1 + 2 * index) for index in range(257)))


@connection_error(PROTOCOL_ERROR)
def more_streams_than_allowed(c):
    one_stream_too_many(c)


@stream_error(REFUSED_STREAM, stream=513, greet=False)
def more_streams_than_allowed_by_a_peer_that_may_not_know_it_yet(c):
    c.send(PREFACE, settings())  # Without the acknowledgement of the server's settings.
    one_stream_too_many(c)


@ignored(greet=False)
def trailers_of_a_request_that_was_refused(c):
    c.send(PREFACE, settings(), *(c.request(1 + 2 * index, end=False) for index in range(257)))
    c.send(data(513, b"x"), trailers(513))
    c.until(lambda each: (each.type, each.stream) == (RST_STREAM, 513))


# The same.
@connection_error(PROTOCOL_ERROR)
def headers_that_depend_on_their_own_stream(c):
    block = c.request(1)[9:]
    c.send(frame(HEADERS, PRIORITIZED | END_HEADERS, 1, struct.pack(">IB", 1, 15) + block))
