import Messages
import StandardMessages
import Testing

@testable import RPC

@Suite struct RouterTests {
    private func find(_ path: String, in router: Router) -> String? {
        let bytes = Array(path.utf8)
        return router.methods.find(bytes.span)?.path
    }

    @Test("finds each of many methods and nothing else")
    func finds() {
        let router = Router()
        #expect(find("/a/b", in: router) == nil)
        for index in 0..<300 {
            router.register(
                UnaryMethod<Payload, Payload>(fullServiceName: "s", name: "M\(index)")
            ) { request, _ in request }
        }
        for index in 0..<300 { #expect(find("/s/M\(index)", in: router) == "/s/M\(index)") }
        for path in ["", "/", "/s/M300", "/s/m1", "s/M1", "/s/M1/", "/S/M1"] {
            #expect(find(path, in: router) == nil)
        }
        #expect(router.paths.count == 300)
    }

    @Test("a method registered again has the new handler")
    func replaces() async throws {
        let router = Router()
        let method = UnaryMethod<Payload, Payload>(fullServiceName: "s", name: "M")
        router.register(method) { _, _ in Payload([1]) }
        router.register(method) { _, _ in Payload([2]) }
        #expect(router.paths == ["/s/M"])
    }
}
