/// Text that must not be shown: it prints as `<secret>`, also inside what contains it.
public struct SecretText: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself. Every use is a place to look at in review.
    public let revealed: String

    /// Wraps a text.
    public init(_ text: String) { revealed = text }

    /// Always `<secret>`.
    public var description: String { "<secret>" }
    /// Always `<secret>`.
    public var debugDescription: String { "<secret>" }
    /// Shows nothing of the text to `dump`.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
