import Testing

@testable import HTTP2

@Suite struct FrameScannerTests {
    private let bytes =
        Frames.preface + Frames.settings() + Frames.request(1, flags: 4)
        + Frames.frame(FrameType.data, 0, 1, [1, 2, 3])
        + Frames.frame(FrameType.data, 1, 1, []) + Frames.ping()
        + Frames.frame(0x42, 1, 3, [9, 9]) + Frames.frame(0x10, 0, 0, [])
        + Frames.frame(FrameType.data, 1, 0x7FFF_FFFF, Array(repeating: 0, count: 300))

    @Test(
        "finds each DATA frame and each unknown one, however the bytes are cut", arguments: 1...60)
    func cuts(_ size: Int) {
        var scanner = FrameScanner()
        var rest = bytes[...]
        while !rest.isEmpty {
            scanner.scan(Array(rest.prefix(size)).span)
            rest = rest.dropFirst(size)
        }
        #expect(
            scanner.dataFrames == [
                .init(id: 1, isEmpty: false, isEnd: false),
                .init(id: 1, isEmpty: true, isEnd: true),
                .init(id: 0x7FFF_FFFF, isEmpty: false, isEnd: true),
            ])
        #expect(scanner.unknownFrames == 2)
        scanner.removeAll()
        #expect(scanner.dataFrames == [])
        #expect(scanner.unknownFrames == 0)
    }
}
