import CProtobufC
import Glibc

/// Writes the fields of one message to be packed, each by its place among the fields sorted by number.
///
/// For generated code: it passes the right place and kind. A member of a oneof that is written is
/// chosen with it. What cannot be written (a string with a NUL, memory past the limit) is noted in the
/// arena, and `Wire` throws it. Cannot be copied, so it does not outlive the arena.
@safe
public struct FieldWriter: ~Copyable {
    private let message: UnsafeMutableRawPointer
    // Its fields are asked for only by index: a message without any has no field array.
    private let descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    private let arena: UnsafeMutablePointer<Arena>

    /// Writes to `message`, which `protobuf_c_message_init` began and which must stay valid.
    @unsafe
    init(_ message: UnsafeMutablePointer<ProtobufCMessage>, arena: UnsafeMutablePointer<Arena>) {
        unsafe self.message = UnsafeMutableRawPointer(message)
        unsafe descriptor = message.pointee.descriptor
        unsafe self.arena = arena
    }

    /// A string field.
    public func string(_ index: Int, _ value: String) {
        // In a oneof an empty string must be a copy too: protobuf-c leaves out its own default.
        let chosen = choose(index)
        guard chosen || !value.isEmpty else { return }
        unsafe store(copy(value), index)
    }

    /// A bytes field.
    public func bytes(_ index: Int, _ value: [UInt8]) {
        _ = choose(index)
        unsafe store(copy(value), index)
    }

    /// A bool field.
    public func bool(_ index: Int, _ value: Bool) {
        _ = choose(index)
        store(value ? 1 : 0 as protobuf_c_boolean, index)
    }

    /// An int32 field, or the number of an enum field.
    public func int32(_ index: Int, _ value: Int32) {
        _ = choose(index)
        store(value, index)
    }

    /// An int64 field.
    public func int64(_ index: Int, _ value: Int64) {
        _ = choose(index)
        store(value, index)
    }

    /// A message field that is present.
    public func message<M: Message>(_ index: Int, _ value: M) {
        _ = choose(index)
        unsafe store(child(value), index)
    }

    /// A repeated string field.
    public func strings(_ index: Int, _ values: [String]) {
        unsafe storeAll(values, index) { unsafe copy($0) }
    }

    /// A repeated bytes field.
    public func byteStrings(_ index: Int, _ values: [[UInt8]]) {
        unsafe storeAll(values, index) { unsafe copy($0) }
    }

    /// A repeated int32 field.
    public func int32s(_ index: Int, _ values: [Int32]) {
        storeAll(values, index) { $0 }
    }

    /// A repeated message field.
    public func messages<M: Message>(_ index: Int, _ values: [M]) {
        unsafe storeAll(values, index) { unsafe child($0) }
    }

    /// A map from string to string, written in the order of the keys.
    public func stringMap(_ index: Int, _ map: [String: String]) {
        unsafe storeAll(map.sorted { $0.key < $1.key }, index) { pair in
            unsafe entry(index) { entry in
                entry.string(0, pair.key)
                entry.string(1, pair.value)
            }
        }
    }

    /// A map from string to messages, written in the order of the keys.
    public func messageMap<M: Message>(_ index: Int, _ map: [String: M]) {
        unsafe storeAll(map.sorted { $0.key < $1.key }, index) { pair in
            unsafe entry(index) { entry in
                entry.string(0, pair.key)
                entry.message(1, pair.value)
            }
        }
    }
}

extension FieldWriter {
    /// Marks the field as its oneof's choice; says whether it is in a oneof.
    @inline(__always)
    private func choose(_ index: Int) -> Bool {
        let isInOneof =
            unsafe descriptor.pointee.fields[index].flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue
            != 0
        if isInOneof {
            unsafe message.storeBytes(
                of: descriptor.pointee.fields[index].id,
                toByteOffset: Int(descriptor.pointee.fields[index].quantifier_offset),
                as: UInt32.self
            )
        }
        return isInOneof
    }

    @inline(__always)
    private func store<Value: BitwiseCopyable>(_ value: Value, _ index: Int) {
        unsafe message.storeBytes(
            of: value,
            toByteOffset: Int(descriptor.pointee.fields[index].offset),
            as: Value.self
        )
    }

    /// Writes an array of what `convert` makes of each value.
    @inline(__always)
    private func storeAll<Value, Element: BitwiseCopyable>(
        _ values: [Value],
        _ index: Int,
        _ convert: (Value) -> Element
    ) {
        guard !values.isEmpty,
            let memory = unsafe arena.pointee.allocate(values.count * MemoryLayout<Element>.stride)
        else { return }
        let elements = unsafe memory.bindMemory(to: Element.self, capacity: values.count)
        for position in values.indices {
            unsafe (elements + position).initialize(to: convert(values[position]))
        }
        unsafe message.storeBytes(
            of: values.count,
            toByteOffset: Int(descriptor.pointee.fields[index].quantifier_offset),
            as: Int.self
        )
        unsafe store(elements, index)
    }

    /// A C message made of a Swift value; `nil` past the memory limit.
    private func child<M: Message>(_ value: M) -> UnsafeMutablePointer<ProtobufCMessage>? {
        guard let child = unsafe arena.pointee.message(M.descriptor.pointer) else { return nil }
        value.write(to: unsafe FieldWriter(child, arena: arena))
        return unsafe child
    }

    /// A C map entry, filled by `fill`; `nil` past the memory limit.
    private func entry(
        _ index: Int,
        _ fill: (borrowing FieldWriter) -> Void
    ) -> UnsafeMutablePointer<ProtobufCMessage>? {
        guard let descriptor = unsafe descriptor.pointee.fields[index].descriptor,
            let entry = unsafe arena.pointee.message(
                descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
            )
        else { return nil }
        fill(unsafe FieldWriter(entry, arena: arena))
        return unsafe entry
    }

    /// The string and its closing NUL in the arena; `nil` past the memory limit.
    private func copy(_ value: String) -> UnsafeMutablePointer<UInt8>? {
        var value = value
        return value.withUTF8 { utf8 in
            guard let memory = unsafe arena.pointee.allocate(utf8.count + 1) else { return nil }
            let copy = unsafe memory.bindMemory(to: UInt8.self, capacity: utf8.count + 1)
            if let start = utf8.baseAddress {
                unsafe copy.update(from: start, count: utf8.count)
            }
            unsafe copy[utf8.count] = 0
            if unsafe memchr(copy, 0, utf8.count) != nil {
                unsafe arena.pointee.fail(.nulInString)
            }
            return unsafe copy
        }
    }

    private func copy(_ value: [UInt8]) -> ProtobufCBinaryData {
        guard !value.isEmpty, let memory = unsafe arena.pointee.allocate(value.count) else {
            return unsafe ProtobufCBinaryData(len: 0, data: nil)
        }
        let copy = unsafe memory.bindMemory(to: UInt8.self, capacity: value.count)
        unsafe value.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress {
                unsafe copy.update(from: start, count: bytes.count)
            }
        }
        return unsafe ProtobufCBinaryData(len: value.count, data: copy)
    }
}
