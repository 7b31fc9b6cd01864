import Domain
import Testing

@testable import Agents

@Suite struct OrphanMemoryTests {
    private static let server = ServerID(high: 1, low: 1)

    @Test("an orphan is new once, and again when it went and came back; each server has its own")
    func once() {
        var memory = OrphanMemory()
        #expect(memory.new(["a", "b"], of: Self.server) == ["a", "b"])
        #expect(memory.new(["b", "c"], of: Self.server) == ["c"])
        #expect(memory.new(["b", "a"], of: ServerID(high: 1, low: 2)) == ["b", "a"])
        #expect(memory.new(["a", "b"], of: Self.server) == ["a"])
        #expect(memory.new([], of: Self.server) == [])
        #expect(memory.new(["a"], of: Self.server) == ["a"])
    }

    @Test("it remembers so many servers and no more")
    func bounded() {
        var memory = OrphanMemory()
        for number in 0..<OrphanMemory.serversMax {
            _ = memory.new(["a"], of: ServerID(high: 2, low: UInt64(number)))
        }
        #expect(memory.new(["a"], of: ServerID(high: 2, low: 0)) == [])
        #expect(memory.new(["a"], of: Self.server) == ["a"])
        #expect(memory.new(["a"], of: ServerID(high: 2, low: 0)) == ["a"])
    }
}
