import EventLoops
import Testing

@Suite struct ProcessorsTests {
    @Test("at least one processor is allowed, and no more than a mask can name")
    func count() {
        #expect((1...8192).contains(Processors.allowedCount))
    }
}
