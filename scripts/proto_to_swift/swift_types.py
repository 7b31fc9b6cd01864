"""How each kind of field is declared, read and written in Swift."""

from . import names
from .schema import Field, Unsupported

# Proto type -> (Swift type, default, reader and writer method).
SCALARS = {
    Field.TYPE_STRING: ("String", '""', "string"),
    Field.TYPE_BYTES: ("[UInt8]", "[]", "bytes"),
    Field.TYPE_BOOL: ("Bool", "false", "bool"),
    Field.TYPE_INT32: ("Int32", "0", "int32"),
    Field.TYPE_INT64: ("Int64", "0", "int64"),
}

# The same for repeated fields.
REPEATED = {
    Field.TYPE_STRING: ("[String]", "strings"),
    Field.TYPE_BYTES: ("[[UInt8]]", "byteStrings"),
    Field.TYPE_INT32: ("[Int32]", "int32s"),
}


class SwiftField:
    """One field of a message, outside a oneof or inside it."""

    def __init__(self, schema, message, index, field):
        self.name = names.lower_camel(field.name)
        self.index = index
        self.number = field.number
        where = f"{message.full_name}.{field.name}"
        if field.proto3_optional:
            raise Unsupported(f"{where}: protobuf-c rejects proto3 optional")
        if field.name == "base":
            raise Unsupported(f"{where}: a field named base does not compile in protobuf-c")
        repeated = field.label == Field.LABEL_REPEATED
        if field.type == Field.TYPE_MESSAGE:
            self._message(schema, field, repeated)
        elif field.type == Field.TYPE_ENUM and not repeated:
            self.type = schema.type(field.type_name).swift_name
            self.default = f"{self.type}(rawValue: 0)"
            self.read = f"{self.type}(rawValue: fields.int32({index}))"
            self.write = f"fields.int32({index}, {{}}.rawValue)"
        elif repeated and field.type in REPEATED:
            self.type, method = REPEATED[field.type]
            self._plain("[]", method)
        elif not repeated and field.type in SCALARS:
            self.type, default, method = SCALARS[field.type]
            self._plain(default, method)
        else:
            raise Unsupported(f"{where}: the runtime has no reader for this kind of field yet")

    def _plain(self, default, method):
        self.default = default
        self.read = f"fields.{method}({self.index})"
        self.write = f"fields.{method}({self.index}, {{}})"

    def _message(self, schema, field, repeated):
        type_ = schema.type(field.type_name)
        if type_.is_map_entry:
            key, value = sorted(type_.descriptor.field, key=lambda entry: entry.number)
            if key.type != Field.TYPE_STRING:
                raise Unsupported(f"{type_.full_name}: only maps from string are read")
            if value.type == Field.TYPE_MESSAGE:
                self.type = f"[String: {schema.type(value.type_name).swift_name}]"
                self._plain("[:]", "messageMap")
            elif value.type == Field.TYPE_STRING:
                self.type = "[String: String]"
                self._plain("[:]", "stringMap")
            else:
                raise Unsupported(f"{type_.full_name}: the runtime has no reader for this map yet")
        elif repeated:
            self.type = f"[{type_.swift_name}]"
            self._plain("[]", "messages")
        else:
            self.type = f"{type_.swift_name}?"
            self._plain("nil", "message")

    def write_statement(self):
        """How a field outside a oneof is written: an absent message is not."""
        statement = self.write.format(self.name)
        return f"if let {self.name} {{ {statement} }}" if self.type.endswith("?") else statement

    def read_present(self):
        """How a oneof's chosen member is read: a message that is chosen is there."""
        if self.type.endswith("?"):
            return f"fields.presentMessage({self.index})"
        return self.read
