import Testing

@testable import DockerEngine

@Suite struct LineSplitterTests {
    @Test func linesAreTheSameHoweverTheyArrive() {
        let bytes = Array("one\r\ntwo\n\n\nthree".utf8)
        for size in 1...bytes.count {
            var splitter = LineSplitter(lineBytesMax: 100)
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let isTaken = splitter.append(Array(bytes[start..<min(start + size, bytes.count)]))
                #expect(isTaken)
                while let line = splitter.next() {
                    lines.append(String(decoding: line, as: UTF8.self))
                }
            }
            #expect(lines == ["one", "two"])
            let (rest, nothing) = (splitter.rest(), splitter.rest())
            #expect(rest == Array("three".utf8))
            #expect(nothing == nil)
        }
    }

    @Test func aLineThatIsTooLongIsRefused() {
        var splitter = LineSplitter(lineBytesMax: 4)
        let (four, none) = (splitter.append(Array("1234".utf8)), splitter.next())
        #expect(four && none == nil)
        let (five, end) = (splitter.append([0x35]), splitter.append([0x0A]))
        #expect(!five && end)
        let line = splitter.next()
        #expect(line == Array("1234".utf8))
    }
}

@Suite struct LogDemultiplexerTests {
    static func frame(_ source: UInt8, _ text: String) -> [UInt8] {
        let length = UInt32(text.utf8.count)
        return [source, 0, 0, 0]
            + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
            + Array(text.utf8)
    }

    private func records(
        _ bytes: [UInt8], cutBy size: Int, hasTimestamps: Bool = false
    ) throws -> [LogRecord] {
        var demultiplexer = LogDemultiplexer(hasTimestamps: hasTimestamps)
        var found: [LogRecord] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            demultiplexer.append(Array(bytes[start..<min(start + size, bytes.count)]))
            while let record = try demultiplexer.next() { found.append(record) }
        }
        #expect(demultiplexer.isBetweenRecords)
        return found
    }

    @Test func outputsArePartedHoweverTheFramesAreCut() throws {
        let bytes = Self.frame(1, "out\n") + Self.frame(2, "") + Self.frame(2, "err\n")
        for size in 1...bytes.count {
            #expect(
                try records(bytes, cutBy: size) == [
                    LogRecord(source: .output, timestamp: nil, bytes: Array("out\n".utf8)),
                    LogRecord(source: .error, timestamp: nil, bytes: []),
                    LogRecord(source: .error, timestamp: nil, bytes: Array("err\n".utf8)),
                ])
        }
    }

    @Test func timestampsAreTakenOffTheFrontOfEachRecord() throws {
        let bytes = Self.frame(1, "2026-01-02T03:04:05.000000006Z a b\n")
        let record = try #require(try records(bytes, cutBy: 7, hasTimestamps: true).first)
        #expect(record.timestamp == "2026-01-02T03:04:05.000000006Z")
        #expect(record.bytes == Array("a b\n".utf8))
    }

    @Test func aHugeRecordComesInPiecesAndIsNeverKeptWhole() throws {
        let most = LogDemultiplexer.recordBytesMax
        let bytes = Self.frame(2, String(repeating: "x", count: 2 * most + 5)) + Self.frame(1, "y")
        let found = try records(bytes, cutBy: 1000)
        #expect(found.map(\.bytes.count) == [most, most, 5, 1])
        #expect(found.map(\.source) == [.error, .error, .error, .output])
    }

    @Test(arguments: [[UInt8(9), 0, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 0, 1]])
    func bytesThatAreNoHeaderAreRefused(_ bytes: [UInt8]) {
        var demultiplexer = LogDemultiplexer(hasTimestamps: false)
        demultiplexer.append(bytes)
        #expect(throws: MalformedAnswer.self) { try demultiplexer.next() }
    }
}
