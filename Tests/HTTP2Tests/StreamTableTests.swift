import EventLoops
import Testing

@testable import HTTP2

@Suite struct StreamTableTests {
    @Test("finds, adds and removes like a dictionary, through growth and collisions")
    func likeDictionary() throws {
        let session = try Session(
            role: .server, limits: ConnectionLimits(), now: .now(), usage: LoopUsage())
        var generator = SystemRandomNumberGenerator()
        var table = StreamTable()
        var model: [Int32: HTTP2Stream] = [:]
        for _ in 0..<20_000 {
            // Few distinct ids far apart, so that many share a home slot.
            let id = Int32.random(in: 0..<60, using: &generator) * 64 + 1
            if let known = model[id] {
                #expect(table[id] === known)
                let removed = table.remove(id)
                #expect(removed === known)
                model[id] = nil
            } else {
                #expect(table[id] == nil)
                let removed = table.remove(id)
                #expect(removed == nil)
                let stream = HTTP2Stream(id: id, session: session)
                table.insert(stream)
                model[id] = stream
            }
            #expect(table.count == model.count)
        }
        #expect(Set(table.all.map(\.id)) == Set(model.keys))
    }
}
