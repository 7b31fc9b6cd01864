import Cryptography
import Foundation
import Testing

@testable import ControlPlane

@Suite struct MasterKeyFileTests {
    private func withPath(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "berth-master-key-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body("\(folder)/key")
    }

    private func refusal(_ body: () throws -> Void) -> String {
        let error = #expect(throws: MasterKeyFile.Refusal.self) { try body() }
        return error?.description ?? ""
    }

    @Test("a key that was made can be read, and is another each time")
    func generates() throws {
        try withPath { path in
            try MasterKeyFile.generate(at: path)
            try MasterKeyFile.generate(at: path + "2")
            let key = try MasterKeyFile.read(path).revealed()
            #expect(key.count == 32)
            #expect(try MasterKeyFile.read(path + "2").revealed() != key)
        }
    }

    @Test("a key is never overwritten; that it is there is said")
    func exists() throws {
        try withPath { path in
            try MasterKeyFile.generate(at: path)
            let key = try MasterKeyFile.read(path).revealed()
            #expect(refusal { try MasterKeyFile.generate(at: path) }.contains("never overwritten"))
            #expect(try MasterKeyFile.read(path).revealed() == key)
        }
    }

    @Test("the draft of a killed keygen does not keep the next from making the key")
    func leftover() throws {
        try withPath { path in
            try Data().write(to: URL(fileURLWithPath: path + ".new.a1B2c3"))
            try MasterKeyFile.generate(at: path)
            #expect(try MasterKeyFile.read(path).revealed().count == 32)
        }
    }

    @Test(
        "a file that its group or others may use is refused",
        arguments: [0o640, 0o604, 0o620, 0o601])
    func readable(_ mode: Int) throws {
        try withPath { path in
            try MasterKeyFile.generate(at: path)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            #expect(refusal { _ = try MasterKeyFile.read(path) }.contains("chmod 600"))
        }
    }

    @Test(
        "what is no key is refused, and not shown",
        arguments: ["", "secret", String(repeating: "A", count: 42), "!secret!"])
    func malformed(_ text: String) throws {
        try withPath { path in
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            let refusal = refusal { _ = try MasterKeyFile.read(path) }
            #expect(refusal.contains("does not hold a key"))
            #expect(!refusal.contains("secret"))
        }
    }
}
