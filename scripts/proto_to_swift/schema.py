"""The descriptors of one run, in the shape that the writers need."""

from google.protobuf import descriptor_pb2

from . import names

Field = descriptor_pb2.FieldDescriptorProto

# The guard keeps a bit for each field of a message.
FIELDS_MAX = 64


class Unsupported(Exception):
    """Something in a proto that Berth's runtime does not read or write."""


class Comments:
    """The leading comments of one file, by the path of what they stand before."""

    def __init__(self, file):
        self._by_path = {
            tuple(location.path): location.leading_comments
            for location in file.source_code_info.location
            if location.leading_comments
        }

    def lines(self, path):
        """The comment before `path` as lines without their leading space."""
        text = self._by_path.get(tuple(path), "").rstrip("\n")
        return [line.removeprefix(" ") for line in text.split("\n")] if text else []


class Type:
    """A message or an enum, and where it stands."""

    def __init__(self, file, descriptor, parent, path):
        self.file = file
        self.descriptor = descriptor
        self.parent = parent
        self.path = path
        outer = parent.full_name if parent else file.package
        self.full_name = f"{outer}.{descriptor.name}"
        if file.package not in names.PACKAGES:
            raise Unsupported(f"{file.name}: package {file.package} has no place in names.PACKAGES")
        self.target, namespace = names.PACKAGES[file.package]
        outer_swift = parent.swift_name if parent else namespace
        self.swift_name = f"{outer_swift}.{names.type_name(descriptor.name)}"

    @property
    def is_map_entry(self):
        """Whether protoc made this message for a map field."""
        return isinstance(self.descriptor, descriptor_pb2.DescriptorProto) and (
            self.descriptor.options.map_entry
        )

    def fields_by_number(self):
        """(index in the C descriptor, index in the proto, field): protobuf-c sorts by number."""
        ordered = sorted(enumerate(self.descriptor.field), key=lambda pair: pair[1].number)
        return [(index, source, field) for index, (source, field) in enumerate(ordered)]


class Schema:
    """Every file of the run, and every type by its full name."""

    def __init__(self, files):
        self.files = sorted(files, key=lambda file: file.name)
        self.dependency_order = list(files)
        self.types = {}
        for file in self.files:
            for index, message in enumerate(file.message_type):
                self._add(file, message, None, (4, index))
            for index, enum in enumerate(file.enum_type):
                self._add_enum(file, enum, None, (5, index))
        for type_ in self.types.values():
            self._refuse_recursion(type_, ())

    def type(self, reference):
        """The type that a field or method names, such as ".google.rpc.Status"."""
        return self.types[reference.lstrip(".")]

    def messages(self):
        """Every message, map entries included, by full name."""
        found = self.types.values()
        return [t for t in found if isinstance(t.descriptor, descriptor_pb2.DescriptorProto)]

    def nested(self, parent):
        """The types declared inside `parent`, map entries left out."""
        return [t for t in self.types.values() if t.parent is parent and not t.is_map_entry]

    def _add(self, file, message, parent, path):
        type_ = Type(file, message, parent, path)
        if len(message.field) > FIELDS_MAX:
            raise Unsupported(f"{type_.full_name} has more than {FIELDS_MAX} fields")
        self.types[type_.full_name] = type_
        for index, nested in enumerate(message.nested_type):
            self._add(file, nested, type_, (*path, 3, index))
        for index, enum in enumerate(message.enum_type):
            self._add_enum(file, enum, type_, (*path, 4, index))

    def _add_enum(self, file, enum, parent, path):
        type_ = Type(file, enum, parent, path)
        self.types[type_.full_name] = type_

    def _refuse_recursion(self, type_, above):
        if type_ in above:
            raise Unsupported(f"{type_.full_name} contains itself, which a Swift struct cannot")
        for field in getattr(type_.descriptor, "field", ()):
            if field.type == Field.TYPE_MESSAGE:
                self._refuse_recursion(self.type(field.type_name), (*above, type_))
