import Testing

@testable import PostgresClient

@Suite struct ConnectionSettingsTests {
    private func settings(_ uri: String) throws -> ConnectionSettings {
        try ConnectionSettings(PoolConfiguration(uri: uri))
    }

    @Test("the URI's own options come after ours, and so win")
    func options() throws {
        let options = try settings("postgresql:///x?options=-c%20statement_timeout%3D5")
            .values["options"]
        #expect(options?.hasPrefix("-c statement_timeout=30000 ") == true)
        #expect(options?.hasSuffix(" -c statement_timeout=5") == true)
    }

    @Test("what the URI says is kept, what it leaves out is filled in")
    func defaults() throws {
        let values = try settings("postgresql:///x?application_name=mine&keepalives_idle=7").values
        #expect(values["application_name"] == "mine")
        #expect(values["keepalives_idle"] == "7")
        #expect(values["gssencmode"] == "disable")
        #expect(values["client_encoding"] == "UTF8")
    }

    @Test("of several hosts the one that writes is taken, unless the URI says otherwise")
    func severalHosts() throws {
        func attributes(_ uri: String) throws -> String? {
            try settings(uri).values["target_session_attrs"]
        }
        #expect(try attributes("postgresql://a,b/x") == "read-write")
        #expect(try attributes("postgresql:///x?host=/one,/two") == "read-write")
        #expect(try attributes("postgresql://db/x?hostaddr=10.0.0.1,10.0.0.2") == "read-write")
        #expect(try attributes("postgresql://a,b/x?target_session_attrs=any") == "any")
        #expect(try attributes("postgresql://a/x") == nil)
        #expect(try attributes("postgresql:///x?host=/run/postgresql") == nil)
    }

    @Test("a socket folder needs no name resolution, a host does, unless its address is given")
    func resolution() throws {
        #expect(try settings("postgresql:///x?host=/run/postgresql").hostsToResolve == nil)
        #expect(try settings("postgresql:///x").hostsToResolve == nil)
        #expect(try settings("postgresql://db/x").hostsToResolve == ["db"])
        #expect(try settings("postgresql://db/x?hostaddr=10.0.0.1").hostsToResolve == nil)
        #expect(try settings("postgresql://a,b/x").hostsToResolve == ["a", "b"])
    }

    @Test("each address becomes an entry with its host's name and port")
    func replaces() throws {
        var settings = try settings("postgresql://a:1,b:2/x")
        settings.replaceHosts([
            ResolvedHost(name: "a", addresses: ["10.0.0.1", "::1"]),
            ResolvedHost(name: "b", addresses: ["10.0.0.2"]),
        ])
        #expect(settings.values["host"] == "a,a,b")
        #expect(settings.values["hostaddr"] == "10.0.0.1,::1,10.0.0.2")
        #expect(settings.values["port"] == "1,1,2")
    }

    @Test("pauses between attempts grow to their limit and are never alike for long")
    func backoff() {
        var backoff = Backoff()
        var pauses: [Duration] = []
        for _ in 0..<40 {
            pauses.append(backoff.next(min: .milliseconds(50), max: .seconds(1)))
        }
        #expect(pauses[0] >= .milliseconds(25) && pauses[0] <= .milliseconds(50))
        #expect(pauses.allSatisfy { $0 <= .seconds(1) })
        #expect(pauses[10...].allSatisfy { $0 >= .milliseconds(500) })
        #expect(Set(pauses[10...]).count > 5)
        backoff.reset()
        #expect(backoff.next(min: .milliseconds(50), max: .seconds(1)) <= .milliseconds(50))
    }
}
