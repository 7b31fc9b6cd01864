import CProtobufC

/// Reads the fields of one unpacked message, each by its place among the fields sorted by number.
///
/// For generated code: it passes the right place and asks for the right kind. Cannot be copied, so it
/// does not outlive the arena that holds the message.
@safe
public struct FieldReader: ~Copyable {
    private let message: UnsafeRawPointer
    // Its fields are asked for only by index: a message without any has no field array.
    private let descriptor: UnsafePointer<ProtobufCMessageDescriptor>

    /// Reads `message`, which protobuf-c unpacked and which must stay valid.
    @unsafe
    init(_ message: UnsafePointer<ProtobufCMessage>) {
        unsafe self.message = UnsafeRawPointer(message)
        unsafe descriptor = message.pointee.descriptor
    }

    /// A string field.
    public func string(_ index: Int) -> String {
        unsafe FieldReader.string(member(index, as: UnsafePointer<UInt8>?.self))
    }

    /// A bytes field.
    public func bytes(_ index: Int) -> [UInt8] {
        unsafe FieldReader.bytes(member(index, as: ProtobufCBinaryData.self))
    }

    /// A bool field.
    public func bool(_ index: Int) -> Bool {
        member(index, as: protobuf_c_boolean.self) != 0
    }

    /// An int32 field, or the number of an enum field.
    public func int32(_ index: Int) -> Int32 {
        member(index, as: Int32.self)
    }

    /// An int64 field.
    public func int64(_ index: Int) -> Int64 {
        member(index, as: Int64.self)
    }

    /// A message field; `nil` when absent.
    public func message<M: Message>(_ index: Int) -> M? {
        guard let child = unsafe member(index, as: UnsafePointer<ProtobufCMessage>?.self) else {
            return nil
        }
        var message = M()
        message.read(from: unsafe FieldReader(child))
        return message
    }

    /// A message that a oneof chose.
    public func presentMessage<M: Message>(_ index: Int) -> M {
        var message = M()
        if let child = unsafe member(index, as: UnsafePointer<ProtobufCMessage>?.self) {
            message.read(from: unsafe FieldReader(child))
        }
        return message
    }

    /// The number of the field that a oneof chose, or 0; `index` is that of any of its members.
    public func chosenNumber(_ index: Int) -> UInt32 {
        unsafe message.load(
            fromByteOffset: Int(descriptor.pointee.fields[index].quantifier_offset),
            as: UInt32.self
        )
    }

    /// A repeated string field.
    public func strings(_ index: Int) -> [String] {
        unsafe elements(index, of: UnsafePointer<UInt8>?.self).map {
            unsafe FieldReader.string($0)
        }
    }

    /// A repeated bytes field.
    public func byteStrings(_ index: Int) -> [[UInt8]] {
        unsafe elements(index, of: ProtobufCBinaryData.self).map {
            unsafe FieldReader.bytes($0)
        }
    }

    /// A repeated int32 field.
    public func int32s(_ index: Int) -> [Int32] {
        unsafe Array(elements(index, of: Int32.self))
    }

    /// A repeated message field.
    public func messages<M: Message>(_ index: Int) -> [M] {
        var messages: [M] = []
        unsafe messages.reserveCapacity(children(index).count)
        eachChild(index) { child in
            var message = M()
            message.read(from: child)
            messages.append(message)
        }
        return messages
    }

    /// A map from string to string; of entries with the same key the last counts.
    public func stringMap(_ index: Int) -> [String: String] {
        var map: [String: String] = [:]
        eachChild(index) { entry in map[entry.string(0)] = entry.string(1) }
        return map
    }

    /// A map from string to messages; of entries with the same key the last counts.
    public func messageMap<M: Message>(_ index: Int) -> [String: M] {
        var map: [String: M] = [:]
        eachChild(index) { entry in map[entry.string(0)] = entry.presentMessage(1) }
        return map
    }

    private func children(
        _ index: Int
    ) -> UnsafeBufferPointer<UnsafePointer<ProtobufCMessage>?> {
        unsafe elements(index, of: UnsafePointer<ProtobufCMessage>?.self)
    }

    private func eachChild(_ index: Int, _ body: (borrowing FieldReader) -> Void) {
        let children = unsafe children(index)
        for position in children.indices {
            guard let child = unsafe children[position] else { continue }
            body(unsafe FieldReader(child))
        }
    }

    @inline(__always)
    private func member<Value>(_ index: Int, as type: Value.Type) -> Value {
        unsafe message.load(fromByteOffset: Int(descriptor.pointee.fields[index].offset), as: type)
    }

    @inline(__always)
    private func elements<Element>(
        _ index: Int,
        of type: Element.Type
    ) -> UnsafeBufferPointer<Element> {
        let count = unsafe message.load(
            fromByteOffset: Int(descriptor.pointee.fields[index].quantifier_offset),
            as: Int.self
        )
        return unsafe UnsafeBufferPointer(
            start: member(index, as: UnsafePointer<Element>?.self),
            count: count
        )
    }

    private static func string(_ start: UnsafePointer<UInt8>?) -> String {
        guard let start = unsafe start else { return "" }
        return unsafe String(cString: start)
    }

    private static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: UnsafePointer(data.data), count: data.len))
    }
}
