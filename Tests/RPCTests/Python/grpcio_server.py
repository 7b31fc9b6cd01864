"""A gRPC server by other people, for the tests of our client. Takes and gives bytes as they are.

    grpcio_server.py

Listens on a free port of 127.0.0.1 and prints it. Ends with its standard input, or when killed.
"""

import concurrent.futures
import threading
import time

import grpc


def unary(request, context):
    """Answers with the request; metadata comes back, a status if one is asked for."""
    asked = dict(context.invocation_metadata())
    context.send_initial_metadata(
        [("echo", asked.get("say", "")), ("echo-bin", asked.get("say-bin", b""))])
    context.set_trailing_metadata([("after", "trailing"), ("grpc-accepts", asked.get("te", ""))])
    if "fail" in asked:
        context.abort(grpc.StatusCode[asked["fail"]], "größer\n100 %")
    if "compress" in asked:
        context.set_compression(grpc.Compression.Gzip)
    if "hang" in asked:
        remaining = context.time_remaining()
        BEGUN.append(remaining)
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(20)
        ENDED.append(remaining)
    return request


# Remaining times, in seconds, of the calls that hung: once they began, and once they ended.
BEGUN = []
ENDED = []


def ended(request, context):
    """Says how many hanging calls ended, the last one's deadline in seconds, and how many began."""
    del request, context
    last = ENDED[-1] if ENDED else None
    # A protobuf message with a bytes field 2.
    text = f"{len(ENDED)} {'none' if last is None else round(last)} {len(BEGUN)}".encode()
    return bytes([0x12, len(text)]) + text


def expand(request, context):
    """Answers with the request a thousand times."""
    del context
    for _ in range(1000):
        yield request


def collect(requests, context):
    """Answers with all requests in one: repeated fields of a message are joined."""
    del context
    total = 0
    for request in requests:
        total += len(request)
    text = str(total).encode()
    return bytes([0x12, len(text)]) + text


def chat(requests, context):
    """Answers each request with itself, and fails on demand."""
    asked = dict(context.invocation_metadata())
    for index, request in enumerate(requests):
        yield request
        if asked.get("fail-after") == str(index + 1):
            context.abort(grpc.StatusCode.DATA_LOSS, "enough")


def main():
    handlers = grpc.method_handlers_generic_handler("test.Foreign", {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Ended": grpc.unary_unary_rpc_method_handler(ended),
        "Expand": grpc.unary_stream_rpc_method_handler(expand),
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
    })
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=8), handlers=[handlers],
        options=[("grpc.max_receive_message_length", -1)])
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
