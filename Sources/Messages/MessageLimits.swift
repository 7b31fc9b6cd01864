/// What one message may cost. Reaching a limit is ``MessageError/limitExceeded(_:)``.
public struct MessageLimits: Sendable {
    /// The most bytes of an encoded message, in or out.
    public var messageBytesMax = 4 * 1024 * 1024
    /// The most messages inside each other, the outermost counted.
    public var depthMax = 32
    /// The most submessages, at all depths together.
    public var submessagesMax = 16_384
    /// The most fields, at all depths together; each element of a repeated field counts as one.
    public var fieldsMax = 65_536
    /// The most fields that this version does not know, at all depths together.
    public var unknownFieldsMax = 1_024
    /// The most bytes of memory for the C structs of one call; freed when the call's message is read.
    public var arenaBytesMax = 16 * 1024 * 1024

    /// Starts with the limits above.
    public init() {}

    /// The limits above.
    public static let standard = MessageLimits()
}

/// Which limit of ``MessageLimits`` a message reached, by the property's name.
public enum MessageLimit: String, Equatable, Sendable, CustomStringConvertible {
    /// See ``MessageLimits/messageBytesMax``.
    case messageBytesMax
    /// See ``MessageLimits/depthMax``.
    case depthMax
    /// See ``MessageLimits/submessagesMax``.
    case submessagesMax
    /// See ``MessageLimits/fieldsMax``.
    case fieldsMax
    /// See ``MessageLimits/unknownFieldsMax``.
    case unknownFieldsMax
    /// See ``MessageLimits/arenaBytesMax``.
    case arenaBytesMax

    /// The property's name.
    public var description: String { rawValue }
}
