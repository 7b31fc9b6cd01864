"""A thousand calls in flight and others under way when the server is told to stop.

    drain_under_load.py FOLDER_OF_GENERATED_CODE PORT PROCESS

Tells its cases like the other scripts; the server ends by itself.
"""

import collections
import os
import signal
import sys
import threading

sys.dont_write_bytecode = True

import grpc  # noqa: E402
from cases import Cases, equal  # noqa: E402

grpc.__path__.append(f"{sys.argv[1]}/grpc")

from grpc.testing import messages_pb2, test_pb2_grpc  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

CHANNELS, CALLS_A_CHANNEL, TIMEOUT_SECONDS = 8, 125, 30
# The second response of a call comes so long after the first.
INTERVAL_MICROSECONDS = 1_500_000

cases = Cases()


class Load:
    """Calls one after another on a connection of its own until the server takes no more."""

    def __init__(self, channel):
        self.stub = test_pb2_grpc.TestServiceStub(channel)
        self.codes = collections.Counter()
        self.lost = []
        self.is_stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        request = messages_pb2.SimpleRequest(response_size=1000)
        while True:
            try:
                self.stub.UnaryCall(request, timeout=TIMEOUT_SECONDS)
                self.codes["OK"] += 1
            except grpc.RpcError as error:
                self.codes[error.code().name] += 1
                # A call that never reached the server is not lost: it was not taken.
                reached = "connect" not in error.details()
                if error.code() != grpc.StatusCode.UNAVAILABLE or reached or not self.is_stopping:
                    self.lost.append(f"{error.code().name}: {error.details()}")
                return


@cases.case
def a_thousand_calls_finish_while_the_server_drains(port, process):
    def channel():
        return grpc.insecure_channel(
            f"localhost:{port}", [("grpc.use_local_subchannel_pool", 1)]
        )

    request = messages_pb2.StreamingOutputCallRequest()
    request.response_parameters.add(size=10)
    request.response_parameters.add(size=20, interval_us=INTERVAL_MICROSECONDS)
    health = health_pb2_grpc.HealthStub(channel()).Watch(health_pb2.HealthCheckRequest())
    equal(next(health).status, health_pb2.HealthCheckResponse.SERVING)
    loads = [Load(channel()) for _ in range(2)]
    calls = []
    for _ in range(CHANNELS):
        stub = test_pb2_grpc.TestServiceStub(channel())
        calls += [
            stub.StreamingOutputCall(request, timeout=TIMEOUT_SECONDS)
            for _ in range(CALLS_A_CHANNEL)
        ]
    for call in calls:
        equal(len(next(call).payload.body), 10, "the first response")
    for load in loads:
        load.is_stopping = True
    os.kill(process, signal.SIGTERM)
    equal(next(health).status, health_pb2.HealthCheckResponse.NOT_SERVING, "health")
    outcomes = collections.Counter()
    for call in calls:
        try:
            outcomes[tuple(len(each.payload.body) for each in call)] += 1
        except grpc.RpcError as error:
            outcomes[f"{error.code().name}: {error.details()}"] += 1
    equal(dict(outcomes), {(20,): CHANNELS * CALLS_A_CHANNEL}, "how the calls ended")
    for load in loads:
        load.thread.join(TIMEOUT_SECONDS)
        equal(load.lost, [], "calls of the load that were lost")
        assert load.codes["OK"] > 0, load.codes


if __name__ == "__main__":
    cases.run(int(sys.argv[2]), int(sys.argv[3]))
