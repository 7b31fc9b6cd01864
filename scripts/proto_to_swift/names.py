"""How names in protos become names in Swift and in protobuf-c."""

import re

# Where each proto package lives in Swift: its target, and the enum that is its namespace.
PACKAGES = {
    "berth.agent.v1": ("BerthMessages", "AgentV1"),
    "berth.controlplane.v1": ("BerthMessages", "BerthV1"),
    "google.protobuf": ("StandardMessages", "GoogleProtobuf"),
    "google.rpc": ("StandardMessages", "GoogleRPC"),
    "grpc.health.v1": ("StandardMessages", "GRPCHealthV1"),
    "grpc.reflection.v1": ("StandardMessages", "GRPCReflectionV1"),
    "grpc.reflection.v1alpha": ("StandardMessages", "GRPCReflectionV1Alpha"),
    "grpc.testing": ("InteropMessages", "GRPCTesting"),
}


class Home:
    """Where a target's generated code lies, and the C target that it stands on."""

    def __init__(self, folder, c_target, c_prefix, what):
        self.folder = folder
        self.c_target = c_target
        self.c_prefix = c_prefix
        self.what = what


# What berthd is built from, and what only tests are: neither's C and descriptors hold the other's.
PRODUCT = Home("Sources", "CBerthProto", "berth", "Every proto of this repository")
TESTS = Home("Tests", "CInteropProto", "interop", "Every proto that only tests use")
HOMES = {"BerthMessages": PRODUCT, "StandardMessages": PRODUCT, "InteropMessages": TESTS}


def home(package):
    """The home of a proto package."""
    return HOMES[PACKAGES[package][0]]


# Words that Swift writes in one case: all upper, or all lower at the front of a name.
INITIALISMS = {"id": "ID", "ids": "IDs", "uri": "URI", "url": "URL"}

# Types whose own name Swift keeps for itself.
TYPE_NAMES = {"Any": "AnyMessage"}

SWIFT_KEYWORDS = {
    "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
    "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "for", "func", "guard",
    "if", "import", "in", "init", "inout", "internal", "is", "let", "nil", "operator", "private",
    "protocol", "public", "repeat", "rethrows", "return", "self", "static", "struct", "subscript",
    "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
}


def lower_camel(snake):
    """database_name -> databaseName; service_id -> serviceID; a keyword gets backticks."""
    words = snake.lower().split("_")
    rest = [INITIALISMS.get(word, word.capitalize()) for word in words[1:]]
    name = words[0] + "".join(rest)
    return f"`{name}`" if name in SWIFT_KEYWORDS else name


def upper_camel(snake):
    """service_service -> ServiceService."""
    return "".join(INITIALISMS.get(word, word.capitalize()) for word in snake.split("_"))


def type_name(proto_name):
    """The Swift name of a message or an enum, without its namespace."""
    return TYPE_NAMES.get(proto_name, proto_name)


def upper_snake(camel):
    """ServiceState -> SERVICE_STATE."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).upper()


def enum_case(enum_name, value_name):
    """SERVICE_STATE_NOT_DEPLOYED -> notDeployed."""
    return lower_camel(value_name.removeprefix(upper_snake(enum_name) + "_"))


def c_prefix(full_name):
    """berth.controlplane.v1.GetServiceRequest -> berth__controlplane__v1__get_service_request.

    The rule of protoc-gen-c: each part in snake case, an underscore before every capital that
    follows none.
    """
    parts = [re.sub(r"(?<=[^A-Z])(?=[A-Z])", "_", part).lower() for part in full_name.split(".")]
    return "__".join(parts)
