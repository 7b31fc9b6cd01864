"""Calls Berth for the end-to-end tests, by code that grpcio-tools generates from its protos.

    grpcio_client.py FOLDER_OF_GENERATED_CODE ADDRESS

Reads one JSON object a line: {"method", "request", "metadata"} calls a unary method;
{"watch": NAME, "count": N} watches health until N statuses came or the stream ended;
{"crowd": METHOD, "requests", "metadata"} calls with all requests at once and counts the statuses;
{"services": true} lists what reflection knows. Answers each by one line of JSON.
"""

import collections
import importlib
import json
import re
import sys

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from google.protobuf import descriptor_pool, json_format, message_factory  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc_reflection.v1alpha import proto_reflection_descriptor_database as reflection  # noqa: E402
from grpc_status import rpc_status  # noqa: E402

TIMEOUT_SECONDS = 60


def stub_and_request(channel, method):
    """The generated stub's method and the class of its request."""
    service, name = method.split("/")
    package, _, short = service.rpartition(".")
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", short).lower()
    module = importlib.import_module(f"{package}.{file}_pb2_grpc")
    stub = getattr(module, f"{short}Stub")(channel)
    described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    return getattr(stub, name), message_factory.GetMessageClass(described.input_type)


def failure(error):
    """How a call failed, with the field violations and the call's id of its status."""
    violations = []
    request_id = None
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        bad_request = error_details_pb2.BadRequest()
        if detail.Unpack(bad_request):
            violations += [[each.field, each.description] for each in bad_request.field_violations]
        info = error_details_pb2.RequestInfo()
        if detail.Unpack(info):
            request_id = info.request_id
    return {
        "code": error.code().name,
        "message": error.details(),
        "violations": violations,
        "request_id": request_id,
    }


def call(channel, wish):
    """Calls a unary method."""
    method, request_class = stub_and_request(channel, wish["method"])
    request = json_format.ParseDict(wish["request"], request_class())
    metadata = [(key, value) for key, value in wish["metadata"].items()]
    response = method(request, metadata=metadata, timeout=TIMEOUT_SECONDS)
    shown = json_format.MessageToDict(response, always_print_fields_with_no_presence=True)
    return {"code": "OK", "message": "", "violations": [], "response": shown}


def crowd(channel, wish):
    """Sends many requests before it reads any response; how often each status came."""
    method, request_class = stub_and_request(channel, wish["crowd"])
    metadata = [(key, value) for key, value in wish["metadata"].items()]
    running = [
        method.future(
            json_format.ParseDict(request, request_class()),
            metadata=metadata,
            timeout=TIMEOUT_SECONDS,
        )
        for request in wish["requests"]
    ]
    codes = collections.Counter(each.code().name for each in running)
    return {"codes": codes}


def watch(channel, wish):
    """Watches a service's health; tells the first status at once."""
    stub = health_pb2_grpc.HealthStub(channel)
    statuses = []
    stream = stub.Watch(health_pb2.HealthCheckRequest(service=wish["watch"]), timeout=600)
    try:
        for response in stream:
            statuses.append(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
            print(json.dumps({"status": statuses[-1]}), flush=True)
            if len(statuses) == wish["count"]:
                stream.cancel()
                return {"code": "OK", "statuses": statuses}
        return {"code": "OK", "statuses": statuses}
    except grpc.RpcError as error:
        return {"code": error.code().name, "statuses": statuses}


def answer(channel, wish):
    """The answer to one line."""
    try:
        if "watch" in wish:
            return watch(channel, wish)
        if "crowd" in wish:
            return crowd(channel, wish)
        if "services" in wish:
            found = reflection.ProtoReflectionDescriptorDatabase(channel).get_services()
            return {"code": "OK", "services": sorted(found)}
        return call(channel, wish)
    except grpc.RpcError as error:
        return failure(error)


def main():
    """Answers until standard input ends."""
    with grpc.insecure_channel(sys.argv[2]) as channel:
        for line in sys.stdin:
            print(json.dumps(answer(channel, json.loads(line))), flush=True)


main()
