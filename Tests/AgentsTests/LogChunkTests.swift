import Domain
import Testing

@testable import Agents

@Suite struct LogChunkTests {
    static func line(_ text: String, error: Bool = false) -> LogLine {
        LogLine(
            time: Timestamp(microsecondsSince1970: -5), text: text, isStandardError: error)
    }

    static func joined(_ chunk: LogChunk) -> LogChunk? {
        LogChunk(
            pieces: chunk.notices(tailID: "t", from: 0).compactMap {
                LogChunkNotice(payload: $0.payload)?.piece
            })
    }

    static let chunks: [LogChunk] = [
        .begun, .end(error: ""), .end(error: "äöü \n ok"), .lines([line("")]),
        .lines([line("plain"), line("", error: true), line("two words")]),
        .lines([line("back\\slash\\n and\nfeed\r\n"), line("\\"), line("日本 🙂 e\u{301}")]),
        .lines([line(" leading"), line("\ttab")]), .lines([]),
    ]

    @Test("what is taken apart is put together the same", arguments: chunks)
    func roundTrip(_ chunk: LogChunk) {
        #expect(Self.joined(chunk) == chunk)
    }

    @Test("a large chunk has several pieces, each under PostgreSQL's limit, numbered on")
    func pieces() {
        let chunk = LogChunk.lines(
            (0..<64).map { _ in Self.line(String(repeating: "ä", count: 128)) })
        let notices = chunk.notices(tailID: String(repeating: "f", count: 32), from: 40)
        #expect(notices.count == 4)
        #expect(notices.map(\.sequence) == [40, 41, 42, 43])
        #expect(notices.map(\.hasMore) == [true, true, true, false])
        #expect(notices.allSatisfy { $0.payload.utf8.count < 8000 })
        #expect(Self.joined(chunk) == chunk)
    }

    @Test("the largest chunk that an agent may send has no more pieces than are put together")
    func largest() {
        let text = String(repeating: "\\", count: 16 * 1024 / 64)
        let chunk = LogChunk.lines((0..<64).map { _ in Self.line(text) })
        let notices = chunk.notices(tailID: String(repeating: "f", count: 32), from: 0)
        #expect(notices.count <= LogChunkNotice.piecesPerChunkMax)
    }

    @Test(
        "what is not a chunk is refused",
        arguments: ["", "!", "eA", "bDE", "bG5vdGltZSBvaGVsbG8", "bDEgeA"])
    func malformed(_ piece: String) {
        #expect(LogChunk(pieces: [piece]) == nil)
    }

    @Test("a line feed in a line's text begins no line")
    func injection() throws {
        let chunk = LogChunk.lines([Self.line("a\n0 eforged")])
        guard case .lines(let lines) = try #require(Self.joined(chunk)) else {
            Issue.record("no lines")
            return
        }
        #expect(lines == [Self.line("a\n0 eforged")])
    }
}
