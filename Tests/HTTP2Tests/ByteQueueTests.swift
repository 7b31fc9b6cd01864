import Testing

@testable import HTTP2

@Suite struct ByteQueueTests {
    @Test("bytes come out in the order in which they went in, whatever the pieces")
    func order() {
        var generator = SystemRandomNumberGenerator()
        var queue = ByteQueue()
        var model: [UInt8] = []
        for round in 0..<2000 {
            let piece = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            queue.append(piece.span)
            model += piece
            let taken = Int.random(in: 0...220, using: &generator)
            queue.removeFirst(taken)
            model.removeFirst(min(taken, model.count))
            #expect(queue.count == model.count)
            if round % 100 == 0 { #expect(Array(queue.prefix(.max)) == model) }
        }
        #expect(queue.isEmpty == model.isEmpty)
    }

    @Test("a byte is read at its offset from the front after some were taken")
    func offsets() {
        var queue = ByteQueue()
        queue.append([1, 2, 3, 4])
        queue.removeFirst(2)
        #expect(queue[0] == 3)
        #expect(queue[1] == 4)
        #expect(queue.withBytes { $0.count } == 2)
    }

    @Test("taking more than there is empties the queue")
    func tooMany() {
        var queue = ByteQueue()
        queue.append([1, 2])
        queue.removeFirst(5)
        #expect(queue.isEmpty)
        queue.append(9)
        #expect(queue[0] == 9)
    }
}
