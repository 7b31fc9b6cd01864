import Testing

@testable import Domain

@Suite("SecretText")
struct SecretTextTests {
    @Test("shows nothing of its text by printing, debugging or dumping, alone or inside a value")
    func hides() {
        let draft = ConfigEntryDraft(key: "K", value: .secret(SecretText("hunter2")))
        var dumped = ""
        dump(draft, to: &dumped)
        for text in ["\(SecretText("hunter2"))", String(reflecting: draft), "\(draft)", dumped] {
            #expect(!text.contains("hunter2"))
        }
    }
}
