"""Requests that break the rules of gRPC over HTTP/2, and requests that are no calls."""

import gzip
import struct

from hostile_table import answered, judged, status
from raw_connection import body as body_frames, data

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED = "0", "1", "2", "3", "4"
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = "8", "12", "13"

# response_parameters {interval_us: 1_800_000_000}: the handler sleeps and takes nothing more.
HALF_AN_HOUR = b"\x12\x06\x10\x80\xa4\xa7\xda\x06"


def message(payload=b"", flag=0, count=None):
    """A message behind its prefix; `count` lies about its length."""
    return struct.pack(">BI", flag, len(payload) if count is None else count) + payload


# Not gRPC

@status("415")
def call_without_a_content_type(c):
    c.send(c.request(1, path="/grpc.testing.TestService/EmptyCall"))


@status("415")
def call_of_json(c):
    c.send(c.request(1, path="/grpc.testing.TestService/EmptyCall",
                     extra=[("content-type", "application/json")]))


@status("415")
def call_of_a_type_that_only_begins_alike(c):
    c.send(c.request(1, path="/grpc.testing.TestService/EmptyCall",
                     extra=[("content-type", "application/grpcish")]))


for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD"):
    @status("405", name=f"call_by_{method}")
    def wrong_method(c, method=method):
        c.send(c.request(1, method=method, path="/grpc.testing.TestService/EmptyCall",
                         extra=[("content-type", "application/grpc")]))


@status("404")
def page_that_is_not_there(c):
    c.send(c.request(1, method="GET", path="/index.html"))


@answered
def page_by_get(c):
    c.send(c.request(1, method="GET"))


@answered
def page_by_post(c):
    c.send(c.request(1, end=False), data(1, b"abc", end=True))


@judged
def page_by_head_has_no_body(c):
    c.send(c.request(1, method="HEAD"))
    body = c.expect_answer(1)
    assert body == b"", body


@status("405")
def page_by_delete(c):
    c.send(c.request(1, method="DELETE"))


# Calls

def call_case(name, method="EmptyCall", body=message(), grpc_status=OK, http="200", extra=(),
              **fields):
    @status(http, name=f"call_{name}", grpc_status=grpc_status, **fields)
    def run(c):
        c.send(c.call(method, extra=extra), body_frames(1, body))


call_case("of_an_unknown_method", "Nothing", grpc_status=UNIMPLEMENTED)
call_case("in_another_case", "emptycall", grpc_status=UNIMPLEMENTED)
call_case("with_a_slash_more", "EmptyCall/", grpc_status=UNIMPLEMENTED)
call_case("with_a_query", "EmptyCall?a=b", grpc_status=UNIMPLEMENTED)
call_case("without_a_message", body=b"", grpc_status=UNIMPLEMENTED)
call_case("with_two_messages", body=message() * 2, grpc_status=UNIMPLEMENTED)
call_case("with_a_message_that_is_cut_off", body=message(b"abc", count=9), grpc_status=INTERNAL)
call_case("with_a_prefix_that_is_cut_off", body=b"\0\0\0", grpc_status=INTERNAL)
call_case("with_a_message_of_4_gigabytes", body=message(b"abc", count=2**32 - 1),
          grpc_status=RESOURCE_EXHAUSTED)
call_case("with_a_message_over_the_limit", body=message(b"abc", count=(4 << 20) + 1),
          grpc_status=RESOURCE_EXHAUSTED)
call_case("with_an_unknown_flag", body=message(flag=2), grpc_status=INTERNAL)
call_case("compressed_without_an_encoding", body=message(gzip.compress(b""), flag=1),
          grpc_status=INTERNAL)
call_case("compressed_as_identity", body=message(gzip.compress(b""), flag=1),
          extra=[("grpc-encoding", "identity")], grpc_status=INTERNAL)
call_case("of_an_unknown_encoding", extra=[("grpc-encoding", "brotli")],
          grpc_status=UNIMPLEMENTED, grpc_accept_encoding="identity,gzip")
call_case("of_what_is_no_gzip", body=message(b"nonsense", flag=1),
          extra=[("grpc-encoding", "gzip")], grpc_status=INTERNAL)
call_case("of_gzip_with_something_behind", body=message(gzip.compress(b"") + b"x", flag=1),
          extra=[("grpc-encoding", "gzip")], grpc_status=INTERNAL)
call_case("of_gzip_that_is_cut_off", body=message(gzip.compress(b"\x0a\x01a")[:-4], flag=1),
          extra=[("grpc-encoding", "gzip")], grpc_status=INTERNAL)
call_case("of_a_gzip_bomb", "UnaryCall", body=message(gzip.compress(bytes(64 << 20)), flag=1),
          extra=[("grpc-encoding", "gzip")], grpc_status=RESOURCE_EXHAUSTED)
call_case("of_no_protobuf", "UnaryCall", body=message(b"\xff" * 20), grpc_status=INTERNAL)
call_case("of_a_field_that_is_cut_off", "UnaryCall", body=message(b"\x1a\x7f"),
          grpc_status=INTERNAL)
call_case("of_messages_nested_1000_deep", "UnaryCall", body=message(b"\x1a\x02" * 1000),
          grpc_status=INTERNAL)
call_case("of_70000_unknown_fields", "UnaryCall", body=message(b"\xf8\x3f\x01" * 70000),
          grpc_status=RESOURCE_EXHAUSTED)
call_case("of_another_codec", extra=[("grpc-encoding", "identity")], grpc_status=OK)
call_case("with_metadata_that_is_no_base64", extra=[("x-grpc-test-echo-trailing-bin", "!!!")],
          http="400", grpc_status=INTERNAL)
call_case("with_metadata_that_is_no_base64_and_that_nobody_reads", extra=[("x-other-bin", "!!!")],
          http="400", grpc_status=INTERNAL)
call_case("with_padded_metadata", extra=[("x-grpc-test-echo-trailing-bin", "q6ur")],
          x_grpc_test_echo_trailing_bin="q6ur")
call_case("with_metadata_of_one_byte_padded", extra=[("x-grpc-test-echo-trailing-bin", "qw==")],
          x_grpc_test_echo_trailing_bin="qw")
call_case("with_a_status_of_its_own", extra=[("grpc-status", "7"), ("grpc-message", "no")])
call_case("that_asks_for_2_gigabytes", "UnaryCall", body=message(b"\x10\xff\xff\xff\xff\x07"),
          grpc_status=RESOURCE_EXHAUSTED)
call_case("that_asks_for_less_than_nothing", "UnaryCall",
          body=message(b"\x10" + b"\xff" * 9 + b"\x01"), grpc_status=INVALID_ARGUMENT)
call_case("with_no_time_left", extra=[("grpc-timeout", "0n")], grpc_status=DEADLINE_EXCEEDED)

for timeout in ("", "S", "1", "123456789S", "1.5S", "-1S", "1s", "1 S", "1SS", "0x1S"):
    call_case(f"with_the_timeout_{timeout!r}", extra=[("grpc-timeout", timeout)], http="400",
              grpc_status=INTERNAL)


@status("415")
def call_of_a_type_in_upper_case(c):
    c.send(c.request(1, path="/grpc.testing.TestService/EmptyCall",
                     extra=[("content-type", "APPLICATION/JSON")]))


@status(grpc_status=DEADLINE_EXCEEDED)
def call_whose_body_never_comes(c):
    c.send(c.call("EmptyCall", extra=[("grpc-timeout", "50m")]))


@status(grpc_status=RESOURCE_EXHAUSTED)
def message_over_the_limit_whose_body_comes_all_the_same(c):
    # The refusal comes first; what follows must neither be kept nor break the connection.
    c.send(c.call("StreamingInputCall"), data(1, message(count=8 << 20)))
