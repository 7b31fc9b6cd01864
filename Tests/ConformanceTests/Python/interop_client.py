"""The published gRPC interoperability cases, by grpcio's client.

    interop_client.py FOLDER_OF_GENERATED_CODE PORT [AUTHORITY_FILE]

With an authority's certificate it speaks TLS. What grpcio hides, whether a message came compressed,
is looked at by a client on h2.
"""

import queue
import sys

sys.dont_write_bytecode = True

import grpc  # noqa: E402
import http2_client  # noqa: E402
from cases import Cases, equal  # noqa: E402

# The generated package grpc.testing lies beside the library's own package grpc.
grpc.__path__.append(f"{sys.argv[1]}/grpc")

from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc  # noqa: E402

TIMEOUT_SECONDS = 60
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
LARGE_REQUEST, LARGE_RESPONSE = 271828, 314159
SOAK_CALLS, SOAK_CHANNELS = 200, 25

cases = Cases()


class Server:
    """Where the server is and how to reach it."""

    def __init__(self, port, authority_file):
        self.port = int(port)
        self.authority_file = authority_file

    def channel(self):
        target = f"localhost:{self.port}"
        # Channels with equal arguments would share a connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        if not self.authority_file:
            return grpc.insecure_channel(target, options)
        with open(self.authority_file, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        return grpc.secure_channel(target, credentials, options)

    def bare(self):
        return http2_client.Client(self.port, self.authority_file)


class Requests:
    """Requests that a stream takes one by one, as the test gives them."""

    def __init__(self):
        self._queue = queue.Queue()

    def send(self, request):
        self._queue.put(request)

    def end(self):
        self._queue.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        request = self._queue.get()
        if request is None:
            raise StopIteration
        return request


def payload(size):
    return messages_pb2.Payload(body=bytes(size))


def flag(value):
    return messages_pb2.BoolValue(value=value)


def large_request(**others):
    return messages_pb2.SimpleRequest(
        response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST), **others
    )


def output_request(*sizes, compressed=None, **others):
    request = messages_pb2.StreamingOutputCallRequest(**others)
    for index, size in enumerate(sizes):
        parameters = request.response_parameters.add(size=size)
        if compressed:
            parameters.compressed.value = compressed[index]
    return request


def sizes_of(responses):
    return [len(each.payload.body) for each in responses]


def expect_large(response):
    equal(response.payload.body, bytes(LARGE_RESPONSE), "the payload")


def failure(function):
    """The error of a call that must fail."""
    try:
        function()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def stub_case(function):
    """A case that takes a stub over a channel of its own."""

    def run(server):
        with server.channel() as channel:
            function(test_pb2_grpc.TestServiceStub(channel))

    cases.add(function.__name__, run)


@stub_case
def empty_unary(stub):
    equal(stub.EmptyCall(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS), empty_pb2.Empty())


@stub_case
def large_unary(stub):
    expect_large(stub.UnaryCall(large_request(), timeout=TIMEOUT_SECONDS))


@stub_case
def client_streaming(stub):
    requests = (
        messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES
    )
    response = stub.StreamingInputCall(requests, timeout=TIMEOUT_SECONDS)
    equal(response.aggregated_payload_size, sum(REQUEST_SIZES))


@stub_case
def server_streaming(stub):
    responses = stub.StreamingOutputCall(
        output_request(*RESPONSE_SIZES), timeout=TIMEOUT_SECONDS
    )
    equal(sizes_of(responses), list(RESPONSE_SIZES))


@stub_case
def ping_pong(stub):
    requests = Requests()
    responses = stub.FullDuplexCall(requests, timeout=TIMEOUT_SECONDS)
    for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES, strict=True):
        requests.send(output_request(response_size, payload=payload(request_size)))
        equal(len(next(responses).payload.body), response_size)
    requests.end()
    equal(list(responses), [])


@stub_case
def half_duplex(stub):
    requests = (output_request(size) for size in RESPONSE_SIZES)
    responses = stub.HalfDuplexCall(requests, timeout=TIMEOUT_SECONDS)
    equal(sizes_of(responses), list(RESPONSE_SIZES))


@stub_case
def empty_stream(stub):
    equal(list(stub.FullDuplexCall(iter(()), timeout=TIMEOUT_SECONDS)), [])


@stub_case
def client_compressed_unary(stub):
    def call(expected, compression):
        request = large_request(expect_compressed=flag(expected))
        return stub.UnaryCall(request, compression=compression, timeout=TIMEOUT_SECONDS)

    probe = failure(lambda: call(True, grpc.Compression.NoCompression))
    equal(probe.code(), grpc.StatusCode.INVALID_ARGUMENT, "an uncompressed probe")
    expect_large(call(True, grpc.Compression.Gzip))
    expect_large(call(False, grpc.Compression.NoCompression))


@stub_case
def client_compressed_streaming(stub):
    def call(expected, compression):
        requests = [
            messages_pb2.StreamingInputCallRequest(
                payload=payload(size), expect_compressed=flag(expected)
            )
            for size in (27182, 45904)
        ]
        return stub.StreamingInputCall(
            iter(requests), compression=compression, timeout=TIMEOUT_SECONDS
        ).aggregated_payload_size

    probe = failure(lambda: call(True, grpc.Compression.NoCompression))
    equal(probe.code(), grpc.StatusCode.INVALID_ARGUMENT, "an uncompressed probe")
    equal(call(True, grpc.Compression.Gzip), 73086)
    equal(call(False, grpc.Compression.NoCompression), 73086)


@cases.case
def client_compressed_streaming_message_by_message(server):
    """grpcio compresses all messages of a call or none; this sends one of each."""
    messages = [
        messages_pb2.StreamingInputCallRequest(
            payload=payload(size), expect_compressed=flag(expected)
        ).SerializeToString()
        for size, expected in ((27182, True), (45904, False))
    ]
    answer = server.bare().call(
        "grpc.testing.TestService/StreamingInputCall", *messages, compress=[True, False]
    )
    equal(answer.status, 0, answer.message)
    response = messages_pb2.StreamingInputCallResponse.FromString(answer.messages[0][1])
    equal(response.aggregated_payload_size, 73086)


@stub_case
def server_compressed_unary(stub):
    for compressed in (True, False):
        expect_large(
            stub.UnaryCall(
                large_request(response_compressed=flag(compressed)), timeout=TIMEOUT_SECONDS
            )
        )


@cases.case
def server_compressed_unary_flags(server):
    for compressed in (True, False):
        request = large_request(response_compressed=flag(compressed)).SerializeToString()
        answer = server.bare().call("grpc.testing.TestService/UnaryCall", request)
        equal(answer.status, 0, answer.message)
        ((was_compressed, message),) = answer.messages
        equal(was_compressed, compressed, "the message's flag")
        expect_large(messages_pb2.SimpleResponse.FromString(message))


@stub_case
def server_compressed_streaming(stub):
    request = output_request(31415, 92653, compressed=[True, False])
    equal(sizes_of(stub.StreamingOutputCall(request, timeout=TIMEOUT_SECONDS)), [31415, 92653])


@cases.case
def server_compressed_streaming_flags(server):
    for flags in ([True, False], [False, True]):
        request = output_request(31415, 92653, compressed=flags).SerializeToString()
        answer = server.bare().call("grpc.testing.TestService/StreamingOutputCall", request)
        equal(answer.status, 0, answer.message)
        equal(answer.headers.get("grpc-encoding"), "gzip")
        equal([was_compressed for was_compressed, _ in answer.messages], flags, "the flags")


@cases.case
def never_compressed_for_a_client_that_takes_none(server):
    request = large_request(response_compressed=flag(True)).SerializeToString()
    client = server.bare()
    answer = client.request(
        client.head("grpc.testing.TestService/UnaryCall"), http2_client.framed(request)
    )
    equal(answer.status, 0, answer.message)
    equal([was_compressed for was_compressed, _ in answer.messages], [False])
    equal(answer.headers.get("grpc-encoding", "identity"), "identity")


@stub_case
def cacheable_unary(stub):
    response, call = stub.CacheableUnaryCall.with_call(
        messages_pb2.SimpleRequest(), timeout=TIMEOUT_SECONDS, metadata=[("x-user-ip", "1.2.3.4")]
    )
    assert response.payload.body.isdigit(), response
    equal(dict(call.initial_metadata())["cache-control"], "max-age=60, public")


@stub_case
def custom_metadata(stub):
    initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
    trailing = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    _, unary = stub.UnaryCall.with_call(
        large_request(), metadata=[initial, trailing], timeout=TIMEOUT_SECONDS
    )
    duplex = stub.FullDuplexCall(
        iter([output_request(LARGE_RESPONSE, payload=payload(LARGE_REQUEST))]),
        metadata=[initial, trailing],
        timeout=TIMEOUT_SECONDS,
    )
    equal(sizes_of(duplex), [LARGE_RESPONSE])
    for call in (unary, duplex):
        assert initial in call.initial_metadata(), call.initial_metadata()
        assert trailing in call.trailing_metadata(), call.trailing_metadata()


def expect_status(stub, code, message):
    status = messages_pb2.EchoStatus(code=code.value[0], message=message)
    errors = [
        failure(
            lambda: stub.UnaryCall(
                messages_pb2.SimpleRequest(response_status=status), timeout=TIMEOUT_SECONDS
            )
        ),
        failure(
            lambda: list(
                stub.FullDuplexCall(
                    iter([output_request(response_status=status)]), timeout=TIMEOUT_SECONDS
                )
            )
        ),
    ]
    for error in errors:
        equal(error.code(), code)
        equal(error.details(), message)


@stub_case
def status_code_and_message(stub):
    expect_status(stub, grpc.StatusCode.UNKNOWN, "test status message")


@stub_case
def special_status_message(stub):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    expect_status(stub, grpc.StatusCode.UNKNOWN, message)


@stub_case
def unimplemented_method(stub):
    error = failure(lambda: stub.UnimplementedCall(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS))
    equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)


@cases.case
def unimplemented_service(server):
    with server.channel() as channel:
        stub = test_pb2_grpc.UnimplementedServiceStub(channel)
        error = failure(lambda: stub.UnimplementedCall(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS))
        equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)


@stub_case
def cancel_after_begin(stub):
    requests = Requests()
    call = stub.StreamingInputCall.future(requests, timeout=TIMEOUT_SECONDS)
    call.cancel()
    equal(call.code(), grpc.StatusCode.CANCELLED)
    requests.end()


@stub_case
def cancel_after_first_response(stub):
    requests = Requests()
    responses = stub.FullDuplexCall(requests, timeout=TIMEOUT_SECONDS)
    requests.send(output_request(31415, payload=payload(27182)))
    equal(len(next(responses).payload.body), 31415)
    responses.cancel()
    equal(failure(lambda: next(responses)).code(), grpc.StatusCode.CANCELLED)
    requests.end()


@stub_case
def timeout_on_sleeping_server(stub):
    requests = Requests()
    responses = stub.FullDuplexCall(requests, timeout=0.001)
    requests.send(messages_pb2.StreamingOutputCallRequest(payload=payload(27182)))
    equal(failure(lambda: next(responses)).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    requests.end()


@stub_case
def rpc_soak(stub):
    for _ in range(SOAK_CALLS):
        expect_large(stub.UnaryCall(large_request(), timeout=TIMEOUT_SECONDS))


@cases.case
def channel_soak(server):
    for _ in range(SOAK_CHANNELS):
        with server.channel() as channel:
            stub = test_pb2_grpc.TestServiceStub(channel)
            expect_large(stub.UnaryCall(large_request(), timeout=TIMEOUT_SECONDS))


if __name__ == "__main__":
    cases.run(Server(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
