"""Much of what is harmless once, and peers that are slow on purpose."""

import struct
import time

from hostile_calls import HALF_AN_HOUR, message
from hostile_table import closed, connection_error, ignored, judged, stream_error
from raw_connection import (
    ACK, CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
    INITIAL_WINDOW, INTERNAL_ERROR, NO_ERROR, PING, PREFACE, PROTOCOL_ERROR, RST_STREAM,
    SECONDS_MAX, WINDOW_MAX, data, frame, ping, priority, reset, settings, window_update,
)


# Floods: more than the limits refill in the seconds for which a busy machine may stop the server.
FRAMES = 30_000
RESETS = 2000

@connection_error(ENHANCE_YOUR_CALM)
def flood_of_pings(c):
    c.send(ping() * 1000)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_pings_that_are_read_slowly(c):
    for _ in range(20):
        c.send(ping())
        time.sleep(0.001)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_settings(c):
    c.send(settings() * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_settings_that_change_every_stream(c):
    c.send(*(c.request(1 + 2 * index, end=False) for index in range(100)))
    c.send(*(settings((INITIAL_WINDOW, 1000 + index % 2)) for index in range(FRAMES)))


@connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)
def settings_of_very_many_entries(c):
    c.send(settings(*((0xFF00, index) for index in range(2000))))


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_empty_data(c):
    c.send(c.request(1, end=False), data(1) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_priorities(c):
    c.send(c.request(1, end=False), priority(1) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_window_updates_of_the_connection(c):
    c.send(window_update(0, 1) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_window_updates_of_a_stream(c):
    c.send(c.request(1, end=False), window_update(1, 1) * FRAMES)


@ignored
def some_unknown_frames(c):
    c.send(frame(0x42, payload=bytes(100)) * 1000)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_unknown_frames(c):
    c.send(frame(0x42, payload=bytes(100)) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_window_updates_of_a_closed_stream(c):
    c.send(c.request(1))
    c.expect_answer(1)
    c.send(window_update(1, 1) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_goaways(c):
    c.send(c.call("FullDuplexCall"), frame(GOAWAY, payload=bytes(8)) * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_empty_data_on_a_closed_stream(c):
    c.send(c.call("None"))
    c.until(lambda each: each.type == RST_STREAM)
    c.send(data(1) * FRAMES)


def forty_answers(c):
    """Streams 1 to 79, each answered to its end."""
    for index in range(40):
        c.send(c.request(1 + 2 * index))
        c.expect_answer(1 + 2 * index)


@connection_error(PROTOCOL_ERROR)
def flood_of_headers_on_an_old_stream(c):
    forty_answers(c)
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84") * 60_000)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_data_on_an_old_stream(c):
    forty_answers(c)
    c.send(data(1, b"1") * 200_000)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_data_on_a_stream_that_was_passed_over(c):
    forty_answers(c)
    c.send(c.request(301))
    c.expect_answer(301)
    c.send(data(201, b"1") * 200_000)


@ignored
def flood_of_acknowledgements(c):
    c.send(frame(PING, ACK, 0, bytes(8)) * 2000)


@connection_error(ENHANCE_YOUR_CALM)
def rapid_reset(c):
    for index in range(RESETS):
        stream = 1 + 2 * index
        c.send(c.call("FullDuplexCall", stream), reset(stream))


@connection_error(ENHANCE_YOUR_CALM)
def rapid_reset_of_streams_that_are_answered(c):
    for index in range(RESETS):
        stream = 1 + 2 * index
        c.send(c.request(stream), reset(stream))


# One after the other, so that no more than one stream is ever open.
def made_you_reset(name, provoke):
    @judged(name=f"made_you_reset_by_{name}")
    def run(c):
        begin = time.monotonic()
        for index in range(5000):
            stream = 1 + 2 * index
            c.send(provoke(c, stream))
            said, _ = c.until(
                lambda each: each.type == GOAWAY or (
                    each.type == RST_STREAM and each.stream == stream)
            )
            if said.type == GOAWAY:
                break
        seconds = time.monotonic() - begin
        assert (said.type, said.code) == (GOAWAY, ENHANCE_YOUR_CALM), said
        assert said.payload[8:] == b"too_many_stream_errors", said
        # ownResets: 200, and 20 a second.
        assert 200 <= index <= 202 + 20 * seconds, (index, seconds)


made_you_reset(
    "a_window_too_large",
    lambda c, stream: c.call("FullDuplexCall", stream) + window_update(stream, WINDOW_MAX),
)
made_you_reset(
    "a_second_header_section",
    lambda c, stream: c.call("FullDuplexCall", stream)
    + frame(HEADERS, END_HEADERS, stream, b"\x00\x01a\x01b"),
)
made_you_reset(
    "malformed_requests",
    lambda c, stream: frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82\x86"),
)
made_you_reset(
    "a_body_too_long",
    lambda c, stream: c.call("FullDuplexCall", stream, extra=[("content-length", "1")])
    + data(stream, b"12", end=True),
)
made_you_reset(
    "data_after_its_reset",
    lambda c, stream: c.call("FullDuplexCall", stream) + reset(stream) + data(stream, b"1"),
)


# All in one read: the streams that wait for their reset can be more than a connection may have.
@connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR)
def made_you_reset_all_at_once(c):
    for index in range(500):
        stream = 1 + 2 * index
        c.send(c.call("FullDuplexCall", stream), window_update(stream, WINDOW_MAX))


@connection_error(ENHANCE_YOUR_CALM)
def frames_on_a_stream_that_was_reset(c):
    c.send(c.call("FullDuplexCall"), reset(1), data(1, b"1") * FRAMES)


def stop_reading(c):
    """Greets without a word on the server's settings, and makes its output wait."""
    c.send(PREFACE, settings((INITIAL_WINDOW, WINDOW_MAX)))
    c.send(window_update(0, WINDOW_MAX - 65535))
    asked = message(b"\x10" + b"\x80\x80\x80\x01")  # response_size: 2 MiB
    for index in range(8):
        c.send(c.call("UnaryCall", 1 + 2 * index), data(1 + 2 * index, asked, end=True))
    return 17


def send_in_vain(c, *pieces):
    """Sends until the server has enough."""
    c.socket.settimeout(SECONDS_MAX)
    try:
        for piece in pieces:
            c.socket.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return
    c.expect_closed()


@judged(greet=False, peak_mib=48)
def refusals_that_nobody_reads(c):
    """Each request above the limit of streams makes the server queue a reset."""
    first = stop_reading(c)
    send_in_vain(c, *(
        frame(HEADERS, END_HEADERS, first + 2 * index, b"\x82\x86\x84\x01\x01a")
        for index in range(100_000)
    ))


@judged(greet=False, peak_mib=48)
def data_after_a_reset_by_one_who_reads_nothing(c):
    stream = stop_reading(c)
    c.send(c.call("FullDuplexCall", stream), reset(stream))
    send_in_vain(c, data(stream, b"1") * 200_000)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_continuations(c):
    c.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84"))
    c.send(frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b") * FRAMES)


@connection_error(ENHANCE_YOUR_CALM)
def flood_of_empty_continuations(c):
    c.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84"), frame(CONTINUATION, 0, 1) * FRAMES)


@judged
def flood_of_calls_that_never_send_a_message(c):
    """As many as the connection may have; the next connection has as many again."""
    c.send(*(c.call("UnaryCall", 1 + 2 * index) for index in range(256)))
    c.expect_alive()


@judged
def flood_of_requests_that_are_refused(c):
    for index in range(2000):
        c.send(c.request(1 + 2 * index, path="/grpc.testing.TestService/None",
                         extra=[("content-type", "application/grpc")]))
        c.expect_answer(1 + 2 * index, grpc_status="12")


@judged
def flood_of_large_requests_that_nobody_takes(c):
    """Each stream may hold its window and all together the connection's."""
    waiting = message(HALF_AN_HOUR)
    sent = 0
    for index in range(64):
        stream = 1 + 2 * index
        c.send(c.call("FullDuplexCall", stream), data(stream, waiting))
        sent += len(waiting)
        for _ in range(4):
            if sent + 16384 < 1024 * 1024:
                c.send(data(stream, message(bytes(16379))))
                sent += 16384
    c.expect_alive()


# Slow peers. Each server has the one short time that its name says.

@closed(greet=False)
def http_1(c):
    c.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@closed(greet=False)
def preface_with_one_wrong_byte(c):
    c.send(PREFACE[:-1] + b"x", settings())


@connection_error(PROTOCOL_ERROR, greet=False)
def preface_without_settings(c):
    c.send(PREFACE, ping())


@closed(on="preface", greet=False)
def preface_that_never_comes(c):
    pass


@closed(on="preface", greet=False)
def preface_that_dribbles(c):
    for byte in PREFACE[:10]:
        c.send(bytes([byte]))
        time.sleep(0.01)


@closed(on="preface", greet=False)
def settings_that_never_come(c):
    c.send(PREFACE)


@connection_error(ENHANCE_YOUR_CALM, on="headers")
def header_section_that_never_ends(c):
    c.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84"))


@connection_error(ENHANCE_YOUR_CALM, on="headers")
def header_section_that_dribbles(c):
    block = b"\x82\x86\x84" + b"\x00\x01a\x01b" * 8
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block)[:12])
    for byte in block[3:13]:
        c.send(bytes([byte]))
        time.sleep(0.01)


@stream_error(ENHANCE_YOUR_CALM, on="window-stall")
def response_without_window(c):
    c.send(settings((INITIAL_WINDOW, 0)), c.request(1))


@stream_error(ENHANCE_YOUR_CALM, on="window-stall")
def response_whose_window_opens_and_then_stays_shut(c):
    c.send(settings((INITIAL_WINDOW, 5)), c.request(1))


@judged(on="window-stall")
def response_whose_window_opens_byte_by_byte(c):
    """Slow, in all longer than a stream may wait (5 to 7.5 s), but it moves."""
    c.send(settings((INITIAL_WINDOW, 1)), c.request(1))
    for _ in range(23):
        time.sleep(0.36)
        c.send(window_update(1, 1))
    c.expect_answer(1)


@judged(on="write-stall", peak_mib=48)
def responses_that_nobody_reads(c):
    c.send(settings((INITIAL_WINDOW, WINDOW_MAX)), window_update(0, WINDOW_MAX - 65535))
    asked = message(b"\x10" + b"\x80\x80\x80\x01")  # response_size: 2 MiB
    for index in range(16):
        c.send(c.call("UnaryCall", 1 + 2 * index), data(1 + 2 * index, asked, end=True))
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            c.socket.sendall(frame(0x42))
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("the server waits for ever")


@judged(on="keepalive")
def peer_that_is_gone_without_a_word(c):
    """It answers no PING. One that does lives on."""
    c.send(c.call("FullDuplexCall"))
    c.until(lambda each: (each.type, each.flags) == (PING, 0))
    c.expect_closed()


@judged(on="idle")
def connection_without_a_call(c):
    """The announcement with a PING, then the last word, which names no stream, and the end."""
    def is_question(each):
        return (each.type, each.flags) == (PING, 0)

    def last_stream(each):
        return struct.unpack(">I", each.payload[:4])[0]

    said, before = c.until(lambda each: each.type == GOAWAY)
    assert (said.code, last_stream(said)) == (NO_ERROR, WINDOW_MAX), said
    # The PING may overtake the announcement.
    asked = [each for each in before if is_question(each)]
    question = asked[0] if asked else c.until(lambda each: is_question(each) or each.type == GOAWAY)[0]
    assert is_question(question), f"the last word did not wait: {question}"
    c.send(frame(PING, ACK, 0, question.payload))
    said, _ = c.until(lambda each: each.type == GOAWAY)
    assert (said.code, last_stream(said)) == (NO_ERROR, 0), said
    c.expect_closed()


@judged(on="age")
def connection_that_is_old(c):
    """Announced, ended after the grace although a call runs and the peer answers."""
    c.send(c.call("FullDuplexCall"))
    goaways = 0
    try:
        while True:
            each = c.next(time.monotonic() + SECONDS_MAX)
            if (each.type, each.flags) == (PING, 0):
                c.send(frame(PING, ACK, 0, each.payload))
            goaways += each.type == GOAWAY
    except Exception as error:
        assert type(error).__name__ == "Closed", error
    assert goaways >= 2, goaways
