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
        let parts =
            header.utf8.count <= headerLengthMax
            ? header.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: true) : []
        guard parts.count == 2, Substring(parts[0]).lowercased() == "bearer",
            parts[1].starts(with: AccessToken.prefix.utf8)
        else {
            throw Problem(
                .unauthenticated,
                "the metadata 'authorization' must be 'Bearer TOKEN', "
                    + "with a token that begins with '\(AccessToken.prefix)'")
        }
        return try AccessToken(text: SecretText(String(Substring(parts[1])))).credential()
    }
}
