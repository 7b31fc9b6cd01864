import CInteropProto

/// The descriptors of the protos that only tests use, for server reflection.
public enum InteropDescriptors {
    // Safe: the C functions give a static array and its length.
    /// A serialized google.protobuf.FileDescriptorSet, with the files' comments.
    public static let fileDescriptorSet: [UInt8] = unsafe Array(
        UnsafeBufferPointer(
            start: interop_file_descriptor_set(),
            count: interop_file_descriptor_set_size()
        )
    )
}
