import BerthMessages
import Testing

@testable import AgentCore

@Suite struct HostFactsTests {
    @Test("memory and the system's name are read as the kernel writes them")
    func parts() {
        let memory = "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\n"
        #expect(HostFacts.memoryBytes("MemTotal", in: memory) == 16 << 20)
        #expect(HostFacts.memoryBytes("MemAvailable", in: memory) == 1 << 20)
        #expect(HostFacts.memoryBytes("Mem", in: memory) == 0)
        #expect(HostFacts.operatingSystem("ID=x\nPRETTY_NAME=\"Debian 12\"\n") == "Debian 12")
        #expect(HostFacts.operatingSystem("") == "Linux")
    }

    @Test("this machine has facts")
    func here() {
        let facts = HostFacts.read(dockerVersion: "20", dockerRoot: "/")
        #expect(!facts.hostname.isEmpty)
        #expect(!facts.architecture.isEmpty)
        #expect(facts.memoryTotalBytes > facts.memoryAvailableBytes)
        #expect(facts.diskTotalBytes > facts.diskAvailableBytes)
        #expect(facts.processors > 0)
        #expect(facts.dockerVersion == "20")
    }
}
