"""Proves that the generator names things as protoc-gen-c and Swift do, and refuses what it must."""

import unittest

from google.protobuf import descriptor_pb2

from proto_to_swift import names, swift_files
from proto_to_swift.schema import Field, Schema, Unsupported


def _file(*fields, package="berth.controlplane.v1", name="Thing"):
    file = descriptor_pb2.FileDescriptorProto(name="thing.proto", package=package, syntax="proto3")
    file.message_type.add(name=name).field.extend(fields)
    return file


def _field(name, number=1, type_=Field.TYPE_STRING, **others):
    return Field(name=name, number=number, type=type_, label=Field.LABEL_OPTIONAL, **others)


class Names(unittest.TestCase):
    def test_properties_have_initialisms(self):
        self.assertEqual(names.lower_camel("environment_id"), "environmentID")
        self.assertEqual(names.lower_camel("connection_uri"), "connectionURI")
        self.assertEqual(names.lower_camel("id"), "id")
        self.assertEqual(names.lower_camel("default"), "`default`")

    def test_enum_cases_lose_their_enum(self):
        self.assertEqual(names.enum_case("ServiceState", "SERVICE_STATE_NOT_DEPLOYED"), "notDeployed")
        self.assertEqual(names.enum_case("ServingStatus", "NOT_SERVING"), "notServing")

    def test_c_names_are_those_of_protoc_gen_c(self):
        self.assertEqual(names.c_prefix("grpc.health.v1.HealthCheckRequest"),
                         "grpc__health__v1__health_check_request")
        self.assertEqual(names.c_prefix("google.api.HTTPRule"), "google__api__httprule")


class Refusals(unittest.TestCase):
    def refuses(self, pattern, file):
        with self.assertRaisesRegex(Unsupported, pattern):
            swift_files.generate(Schema([file]))

    def test_what_protobuf_c_cannot_have(self):
        self.refuses("proto3 optional", _file(_field("name", proto3_optional=True)))
        self.refuses("named base", _file(_field("base")))

    def test_kinds_without_a_reader(self):
        self.refuses("no reader", _file(_field("ratio", type_=Field.TYPE_DOUBLE)))

    def test_a_message_that_contains_itself(self):
        itself = _field("more", type_=Field.TYPE_MESSAGE, type_name=".berth.controlplane.v1.Thing")
        self.refuses("contains itself", _file(itself))

    def test_more_fields_than_the_guard_has_bits_for(self):
        self.refuses("more than 64", _file(*[_field(f"f{n}", n) for n in range(1, 66)]))

    def test_a_package_without_a_place(self):
        self.refuses("no place", _file(package="someone.elses.v1"))

    def test_a_secret_beside_a_oneof(self):
        file = _file(_field("password"), _field("choice", 2, oneof_index=0))
        file.message_type[0].oneof_decl.add(name="kind")
        self.refuses("secret", file)


class Secrets(unittest.TestCase):
    def test_a_password_is_not_printed(self):
        files = swift_files.generate(Schema([_file(_field("password"), _field("name", 2))]))
        text = files["Sources/BerthMessages/Generated/BerthV1+Thing.swift"]
        self.assertIn('"password": "(secret)"', text)
        self.assertIn('"name": name', text)


if __name__ == "__main__":
    unittest.main()
