"""A thousand calls in flight and others under way when the server is told to stop.

    drain_under_load.py FOLDER_OF_GENERATED_CODE PORT PROCESS [CERTIFICATE_OF_THE_AUTHORITY]

With an authority's certificate it speaks TLS. Tells its cases like the other scripts; the server ends by itself.
"""

import asyncio
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True

import grpc  # noqa: E402
from cases import Cases, equal  # noqa: E402

# The generated package grpc.testing lies beside the library's own package grpc.
grpc.__path__.append(f"{sys.argv[1]}/grpc")

from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

CALLS, CHANNELS, LOAD_CHANNELS, LOAD_CALLS_EACH = 1000, 8, 4, 8
LOAD_BEFORE_THE_SIGNAL = 500
# None of what is proven depends on it: a thousand calls take their time on a busy machine.
TIMEOUT_SECONDS = 300
LISTENS_SECONDS_MAX = 60

cases = Cases()


def channel(port, authority_file):
    target = f"127.0.0.1:{port}"
    # Channels with equal arguments would share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    if not authority_file:
        return grpc.aio.insecure_channel(target, options=options)
    with open(authority_file, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    return grpc.aio.secure_channel(target, credentials, options=options)


def request(size):
    made = messages_pb2.StreamingOutputCallRequest()
    made.response_parameters.add(size=size)
    return made


class Call:
    """One call that lives across the signal."""

    def __init__(self, stub, number):
        self.number = number
        self.call = stub.FullDuplexCall(timeout=TIMEOUT_SECONDS)

    async def ask(self, size):
        await self.call.write(request(size))
        response = await self.call.read()
        equal(len(response.payload.body), size, f"call {self.number}")

    async def finish(self):
        await self.ask(1 + self.number)
        await self.call.done_writing()
        equal(await self.call.read(), grpc.aio.EOF, f"call {self.number}")
        equal(await self.call.code(), grpc.StatusCode.OK, f"call {self.number}")


class Load:
    """Calls one after another until the server takes no more."""

    def __init__(self):
        self.answered = 0
        self.ended = []

    async def run(self, stub):
        while True:
            try:
                await stub.EmptyCall(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS)
                self.answered += 1
            except grpc.aio.AioRpcError as error:
                self.ended.append((error.code(), error.details()))
                return


def listens(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


async def drain(port, process, authority_file):
    channels = [channel(port, authority_file) for _ in range(CHANNELS + LOAD_CHANNELS)]
    stubs = [test_pb2_grpc.TestServiceStub(each) for each in channels]
    calls = [Call(stubs[index % CHANNELS], index) for index in range(CALLS)]
    # Each has an answer and waits for its next request: all of them are in flight.
    await asyncio.gather(*(each.ask(7) for each in calls))
    health = health_pb2_grpc.HealthStub(channels[0]).Watch(
        health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
    equal((await health.read()).status, health_pb2.HealthCheckResponse.SERVING)

    load = Load()
    loads = [
        asyncio.create_task(load.run(stub))
        for stub in stubs[CHANNELS:] for _ in range(LOAD_CALLS_EACH)
    ]
    while load.answered < LOAD_BEFORE_THE_SIGNAL:
        equal(load.ended, [], "calls that failed before the signal")
        await asyncio.sleep(0)
    os.kill(process, signal.SIGTERM)
    equal((await health.read()).status, health_pb2.HealthCheckResponse.NOT_SERVING)
    deadline = time.monotonic() + LISTENS_SECONDS_MAX
    while listens(port):
        assert time.monotonic() < deadline, "the server still listens"
        await asyncio.sleep(0.001)
    await asyncio.gather(*(each.finish() for each in calls))
    await asyncio.gather(*loads)
    for each in channels:
        await each.close()
    return load


@cases.case
def a_thousand_calls_finish_while_the_server_drains(port, process, authority_file):
    load = asyncio.run(drain(port, process, authority_file))
    equal(len(load.ended), LOAD_CHANNELS * LOAD_CALLS_EACH)
    for code, details in load.ended:
        # Told that nobody listens. A call that was taken and cut off would say "Stream removed" or
        # "Connection reset by peer", with nothing of an attempt to connect before it.
        equal(code, grpc.StatusCode.UNAVAILABLE, details)
        assert details.startswith("failed to connect to all addresses"), details
        assert "Stream removed" not in details, details


if __name__ == "__main__":
    cases.run(int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:] or [None])[0])
