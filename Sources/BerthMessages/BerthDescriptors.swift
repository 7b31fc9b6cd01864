import CBerthProto

/// The descriptors of every proto of this repository, for server reflection.
public enum BerthDescriptors {
    /// A serialized google.protobuf.FileDescriptorSet: our files and the standard ones, each after the
    /// files it imports, with their comments.
    public static let fileDescriptorSet: [UInt8] = unsafe Array(
        UnsafeBufferPointer(
            start: berth_file_descriptor_set(),
            count: berth_file_descriptor_set_size()
        )
    )
}
