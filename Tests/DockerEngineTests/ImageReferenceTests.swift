import Testing

@testable import DockerEngine

@Suite struct ImageReferenceTests {
    private let digest = "sha256:" + String(repeating: "0f", count: 32)

    @Test func partsOfAReference() throws {
        let plain = try #require(ImageReference("postgres"))
        #expect((plain.repository, plain.tag, plain.digest) == ("postgres", "latest", nil))
        let full = try #require(ImageReference("host:5000/a/b:1@\(digest)"))
        #expect((full.repository, full.tag, full.digest) == ("host:5000/a/b", "1", digest))
        let port = try #require(ImageReference("host:5000/a"))
        #expect((port.repository, port.tag) == ("host:5000/a", "latest"))
        let pinned = try #require(ImageReference("a@\(digest)"))
        #expect((pinned.tag, pinned.digest, pinned.description) == (nil, digest, "a@\(digest)"))
    }

    @Test(arguments: [
        "", ":1", "a:", "a@", "a@sha256:12", "a b", "a\n", "a/../b", "/a", "a/", "a?x", "a#x",
        "a%2f",
        "a@b@c", "a@md5:0000",
    ])
    func refusesWhatIsNoReference(_ text: String) {
        #expect(ImageReference(text) == nil)
    }
}
