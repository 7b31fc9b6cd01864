public import CProtobufC

/// What protobuf-c knows of a message type: its size, its fields and where each is in the C struct.
///
/// Safe to copy: it points to a constant that `protoc-gen-c` wrote.
@safe
public struct MessageDescriptor {
    let pointer: UnsafePointer<ProtobufCMessageDescriptor>

    /// Wraps the address of a generated descriptor.
    ///
    /// - Parameter pointer: One that stays valid for ever, as the generated accessors give.
    @unsafe
    public init(_ pointer: UnsafePointer<ProtobufCMessageDescriptor>) {
        unsafe self.pointer = pointer
    }

    /// The full name, such as `google.rpc.Status`.
    public var fullName: String {
        unsafe String(cString: pointer.pointee.name)
    }
}
