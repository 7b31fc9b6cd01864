import Testing

@testable import HTTP2

@Suite struct RecentIDsTests {
    @Test("knows the last ids and forgets those before")
    func ring() {
        var ids = RecentIDs(countMax: 32)
        #expect(!ids.contains(1))
        for index in Int32(0)..<64 { ids.insert(1 + 2 * index) }
        let last = Int32(127)
        #expect(ids.contains(last))
        #expect(ids.contains(last - 2 * 31))
        #expect(!ids.contains(last - 2 * 32))
    }
}
