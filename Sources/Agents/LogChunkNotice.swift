/// What is said on PostgreSQL's notification channel ``channel``: a piece of what a log request is
/// answered with.
public struct LogChunkNotice: Hashable, Sendable {
    /// The channel's name.
    public static let channel = "berth_log_chunks"
    /// The letters of a piece; a payload must stay under PostgreSQL's 8,000 bytes.
    public static let pieceLengthMax = 7 * 1024
    /// The pieces that one chunk may have.
    public static let piecesPerChunkMax = 16

    /// Names the request.
    public let tailID: String
    /// Counts the pieces of a request from 0: a gap tells that some were lost.
    public let sequence: Int
    /// Whether the chunk goes on in the next piece.
    public let hasMore: Bool
    /// A part of the chunk's text in base64url.
    public let piece: String

    /// What is sent: four words; the last may be empty.
    public var payload: String { "\(tailID) \(sequence) \(hasMore ? "more" : "end") \(piece)" }

    /// Makes a piece.
    init(tailID: String, sequence: Int, hasMore: Bool, piece: String) {
        self.tailID = tailID
        self.sequence = sequence
        self.hasMore = hasMore
        self.piece = piece
    }

    /// Reads what was sent, or returns nil when it is not that.
    public init?(payload: String) {
        let words = payload.split(separator: " ", omittingEmptySubsequences: false)
            .map(String.init)
        guard words.count == 4, let sequence = Int(words[1]),
            words[2] == "more" || words[2] == "end"
        else { return nil }
        self.init(
            tailID: words[0], sequence: sequence, hasMore: words[2] == "more", piece: words[3])
    }
}
