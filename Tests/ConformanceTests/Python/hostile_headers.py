"""Header sections that break HPACK (RFC 7541) or the rules on requests (RFC 9113 §8)."""

from hostile_table import connection_error, ignored, status, stream_error
from raw_connection import (
    COMPRESSION_ERROR, END_HEADERS, END_STREAM, HEADERS, PROTOCOL_ERROR, REFUSED_STREAM,
    HEADER_TABLE_SIZE, ENHANCE_YOUR_CALM, data, frame, literal, settings,
)

GET = b"\x82\x86\x84"  # :method GET, :scheme http, :path / of the static table


def headers(*pieces, end=True):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), 1, b"".join(pieces))


# HPACK

for name, block in (
    ("index_zero", GET + b"\x80"),
    ("an_index_beyond_the_table", GET + b"\xff\x7f"),
    ("an_index_of_very_many_bytes", GET + b"\xff" + b"\xff" * 12 + b"\x7f"),
    ("a_literal_that_is_cut_off", GET + b"\x00\x05ab"),
    ("an_integer_that_is_cut_off", GET + b"\xff\x80"),
    ("a_name_by_an_index_beyond_the_table", GET + b"\x7f\x7f\x01a"),
    ("huffman_padding_of_more_than_7_bits", GET + b"\x00\x01a\x82\x1f\xff"),
    ("huffman_padding_that_is_no_ones", GET + b"\x00\x01a\x81\x18"),
    ("the_end_of_string_symbol", GET + b"\x00\x01a\x84\xff\xff\xff\xff"),
    ("a_table_size_beyond_the_setting", b"\x3f\xe2\x1f" + GET),
    ("a_table_size_after_fields", GET + b"\x3f\xe1\x1f"),
):
    @connection_error(COMPRESSION_ERROR, name=f"hpack_with_{name}")
    def bad_block(c, block=block):
        c.send(headers(block))


@ignored
def hpack_with_the_largest_table_that_a_peer_can_offer(c):
    # The server may use less than it is offered; it must not reserve it.
    c.send(settings((HEADER_TABLE_SIZE, 2**32 - 1)))


# Requests

def malformed(name, *fields, end=True, prefix=GET):
    @stream_error(PROTOCOL_ERROR, name=f"request_with_{name}")
    def send(c):
        c.send(headers(prefix, *(literal(*field) for field in fields), end=end))


malformed("an_upper_case_name", (b"X-Test", b"a"))
malformed("a_pseudo_field_after_others", (b"x-test", b"a"), (b":authority", b"a"))
malformed("an_unknown_pseudo_field", (b":test", b"a"))
malformed("a_response_pseudo_field", (b":status", b"200"))
malformed("connection", (b"connection", b"keep-alive"))
malformed("keep_alive", (b"keep-alive", b"timeout=5"))
malformed("proxy_connection", (b"proxy-connection", b"keep-alive"))
malformed("transfer_encoding", (b"transfer-encoding", b"chunked"))
malformed("upgrade", (b"upgrade", b"h2c"))
malformed("te_other_than_trailers", (b"te", b"gzip"))
malformed("an_empty_path", (b":path", b""), prefix=b"\x82\x86")
malformed("no_method", prefix=b"\x86\x84")
malformed("no_scheme", prefix=b"\x82\x84")
malformed("no_path", prefix=b"\x82\x86")
malformed("two_methods", prefix=b"\x82\x82\x86\x84")
malformed("two_schemes", prefix=b"\x82\x86\x86\x84")
malformed("two_paths", prefix=b"\x82\x86\x84\x84")
malformed("two_authorities", (b":authority", b"a"), (b":authority", b"b"))
malformed("no_fields_at_all", prefix=b"")
malformed("a_content_length_that_is_no_number", (b"content-length", b"one"), end=False)
malformed("a_negative_content_length", (b"content-length", b"-1"), end=False)
malformed("two_content_lengths", (b"content-length", b"1"), (b"content-length", b"2"), end=False)
malformed("a_content_length_and_no_body", (b"content-length", b"5"))
malformed("a_space_in_a_name", (b"x test", b"a"))
malformed("an_empty_name", (b"", b"a"))
malformed("a_nul_in_a_value", (b"x-test", b"a\0b"))
malformed("a_line_feed_in_a_value", (b"x-test", b"a\r\nx-other: b"))
malformed("a_path_that_begins_without_slash", (b":path", b"a.B/C"), prefix=b"\x82\x86")


@stream_error(PROTOCOL_ERROR)
def body_shorter_than_its_content_length(c):
    c.send(headers(GET, literal(b"content-length", b"5"), end=False), data(1, b"abc", end=True))


@stream_error(PROTOCOL_ERROR)
def body_longer_than_its_content_length(c):
    c.send(headers(GET, literal(b"content-length", b"5"), end=False))
    c.send(data(1, b"abc"), data(1, b"defg", end=True))


@stream_error(PROTOCOL_ERROR)
def second_header_section_that_ends_nothing(c):
    c.send(c.request(1, end=False), headers(literal(b"x-test", b"a"), end=False))


@stream_error(PROTOCOL_ERROR)
def pseudo_field_in_trailers(c):
    c.send(c.request(1, end=False), headers(GET))


@stream_error(PROTOCOL_ERROR)
def connection_field_in_trailers(c):
    c.send(c.request(1, end=False), headers(literal(b"connection", b"close")))


@status()
def trailers_of_a_request(c):
    c.send(c.request(1, end=False), data(1, b"abc"), headers(literal(b"x-test", b"a")))


@status("400")
def authority_and_another_host(c):
    c.send(c.request(1, extra=[("host", "elsewhere")]))


# Size

@status("431", grpc_status="8")
def header_list_over_the_limit(c):
    c.send(c.call("EmptyCall", end=True, extra=[("x-large", "a" * 15000), ("x-more", "b" * 1000)]))


@stream_error(PROTOCOL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM, 2)
def header_list_far_over_the_limit(c):
    block = c.block([(":method", "POST"), (":scheme", "http"), (":path", "/")])
    # One entry of the dynamic table, named again and again: each byte stands for 4,000.
    block += b"\x40" + literal(b"x-bomb", b"a" * 3900)[1:] + b"\xbe" * 8000
    c.send(headers(block))


@status("431", grpc_status="8")
def header_list_of_very_many_fields(c):
    c.send(c.call("EmptyCall", end=True, extra=[("a", "")] * 600))
