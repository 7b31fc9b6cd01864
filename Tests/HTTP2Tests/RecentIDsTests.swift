import Testing

@testable import HTTP2

@Suite struct RecentIDsTests {
    @Test("knows the last ids and forgets those before")
    func ring() {
        var ids = RecentIDs()
        #expect(!ids.contains(1))
        for index in 0..<Int32(2 * RecentIDs.countMax) { ids.insert(1 + 2 * index) }
        let last = Int32(4 * RecentIDs.countMax - 1)
        #expect(ids.contains(last))
        #expect(ids.contains(last - 2 * Int32(RecentIDs.countMax - 1)))
        #expect(!ids.contains(last - 2 * Int32(RecentIDs.countMax)))
    }
}
