public import Domain

/// Reads the `authorization` metadata of a call.
public enum BearerCredential {
    /// The longest header value that is looked at, in bytes.
    public static let headerLengthMax = 256

    /// The credential in a header's value, `Bearer TOKEN`; the scheme's case does not matter
    /// (RFC 9110 section 11.1).
    ///
    /// - Parameter header: The value, or `nil` when the call has none.
    /// - Throws: ``Problem`` of kind `unauthenticated` that says what to send.
    public static func parse(_ header: String?) throws -> Credential {
        guard let header, !header.isEmpty else {
            throw Problem(
                .unauthenticated, "send the metadata 'authorization: Bearer TOKEN' with the call")
        }
        guard header.utf8.count <= headerLengthMax, let token = token(in: Array(header.utf8)) else {
            throw Problem(
                .unauthenticated,
                "the metadata 'authorization' must be 'Bearer TOKEN', "
                    + "with a token that begins with '\(AccessToken.prefix)'")
        }
        return try AccessToken(text: SecretText(token)).credential()
    }

    /// The second of two words, if the first is the scheme and the second looks like a token.
    private static func token(in header: [UInt8]) -> String? {
        let space = UInt8(ascii: " ")
        let words = header.drop { $0 == space }
        guard let gap = words.firstIndex(of: space) else { return nil }
        var token = words[gap...].drop { $0 == space }
        while token.last == space { token.removeLast() }
        guard isBearer(words[..<gap]), token.starts(with: AccessToken.prefix.utf8),
            !token.contains(space)
        else { return nil }
        return String(decoding: token, as: UTF8.self)
    }

    /// Whether a word is the scheme's name, in either case.
    private static func isBearer(_ word: ArraySlice<UInt8>) -> Bool {
        let name = "bearer".utf8
        // An ASCII letter and its capital differ in this bit.
        return word.count == name.count && zip(word, name).allSatisfy { $0 | 0x20 == $1 }
    }
}
