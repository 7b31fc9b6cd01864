import Domain
import Testing

@testable import Agents

@Suite struct OrphanMemoryTests {
    private static func identity(_ server: UInt64, session: UInt8 = 1) -> AgentIdentity {
        AgentIdentity(
            serverID: ServerID(high: 1, low: server), workspaceID: WorkspaceID(high: 1, low: 1),
            serverName: "s", publicKey: [],
            sessionID: AgentSessionID(bytes: [UInt8](repeating: session, count: 16)))
    }

    private static func orphans(_ names: [String]) -> [ServerOrphan] {
        names.map { ServerOrphan(kind: .volume, name: $0) }
    }

    @Test("an orphan is new once, and again when it went and came back; each server has its own")
    func once() {
        var memory = OrphanMemory()
        func new(_ names: [String], of server: UInt64 = 1) -> [String] {
            let named = Self.orphans(names)
            return memory.new(named, among: named, of: Self.identity(server)).map(\.name)
        }
        #expect(new(["a", "b"]) == ["a", "b"])
        #expect(new(["b", "c"]) == ["c"])
        #expect(new(["b", "a"], of: 2) == ["b", "a"])
        #expect(new(["a", "b"]) == ["a"])
        #expect(new([]) == [])
        #expect(new(["a"]) == ["a"])
    }

    @Test("an inventory is news when it names others, and the first of a stream always")
    func news() {
        var memory = OrphanMemory()
        let named = Self.orphans(["a", "known"])
        #expect(memory.isNews([], of: Self.identity(1)))
        _ = memory.new(Self.orphans(["a"]), among: named, of: Self.identity(1))
        #expect(!memory.isNews(named, of: Self.identity(1)))
        #expect(memory.isNews(Self.orphans(["a"]), of: Self.identity(1)))
        #expect(memory.isNews(named, of: Self.identity(1, session: 2)))
        #expect(memory.isNews(named, of: Self.identity(2)))
        let again = memory.new(Self.orphans(["a"]), among: named, of: Self.identity(1, session: 2))
        #expect(again.isEmpty)
        #expect(!memory.isNews(named, of: Self.identity(1, session: 2)))
    }

    @Test("it remembers so many servers and no more")
    func bounded() {
        var memory = OrphanMemory()
        let one = Self.orphans(["a"])
        for number in 0..<OrphanMemory.serversMax {
            _ = memory.new(one, among: one, of: Self.identity(UInt64(number)))
        }
        #expect(memory.new(one, among: one, of: Self.identity(0)) == [])
        #expect(memory.new(one, among: one, of: Self.identity(.max)) == one)
        #expect(memory.new(one, among: one, of: Self.identity(0)) == one)
    }
}
