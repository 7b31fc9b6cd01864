import EventLoops
import Testing

@Suite struct HostLookupTests {
    @Test("a name gives its addresses in numbers, an address itself")
    func addresses() throws {
        #expect(try HostLookup.addresses(of: "localhost").contains("127.0.0.1"))
        #expect(try HostLookup.addresses(of: "192.0.2.7") == ["192.0.2.7"])
        #expect(try HostLookup.addresses(of: "2001:db8::7") == ["2001:db8::7"])
    }

    @Test("a name without an address says so, and whose it was")
    func failure() {
        let failure = #expect(throws: HostLookup.Failure.self) {
            try HostLookup.addresses(of: "no such name")
        }
        #expect(failure?.host == "no such name")
        #expect(failure?.description.hasPrefix("no such name: ") == true)
        #expect(failure?.reason.isEmpty == false)
    }
}
