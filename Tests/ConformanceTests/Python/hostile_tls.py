"""What HTTP/2 must withstand in the clear it must withstand in TLS too, and what only TLS has."""

import socket
import time

from hostile_floods import (
    flood_of_continuations, flood_of_pings, flood_of_settings, flood_of_unknown_frames,
    frames_on_a_stream_that_was_reset, rapid_reset,
)
from hostile_headers import header_list_far_over_the_limit
from hostile_table import again_over_tls, closed, judged
from raw_connection import PREFACE, SECONDS_MAX, ping, settings

for case in (
    flood_of_pings, flood_of_settings, flood_of_continuations, flood_of_unknown_frames, rapid_reset,
    frames_on_a_stream_that_was_reset, header_list_far_over_the_limit,
):
    again_over_tls(case)


@closed(on="tls", greet=False)
def http_1_over_tls(c):
    c.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@judged(on="tls", greet=False)
def records_of_one_byte(c):
    """Each costs the server a decryption; none may cost it the connection."""
    for byte in PREFACE + settings() + ping() * 2:
        c.send(bytes([byte]))
    c.expect_alive()


@judged(on="tls")
def connection_cut_within_a_record(c):
    """A record is announced, and then comes the end."""
    plain = c.socket.detach()
    with socket.socket(fileno=plain) as bare:
        bare.sendall(b"\x17\x03\x03\x40\x00" + bytes(100))
        bare.shutdown(socket.SHUT_WR)
        bare.settimeout(SECONDS_MAX)
        deadline = time.monotonic() + SECONDS_MAX
        try:
            while bare.recv(1 << 16):
                assert time.monotonic() < deadline, "the server does not close"
        except ConnectionResetError:
            pass


@judged(on="tls")
def record_that_was_tampered_with(c):
    """An alert or a reset, and the end; nothing of it is taken for a frame."""
    plain = c.socket.detach()
    with socket.socket(fileno=plain) as bare:
        bare.sendall(b"\x17\x03\x03\x00\x40" + bytes(64))
        bare.settimeout(SECONDS_MAX)
        try:
            while bare.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
