import Domain
import Testing

@testable import Services

@Suite struct DatabaseCatalogueTests {
    @Test("every template bounds processors, memory, processes and logs, of containers and spares")
    func limits() throws {
        let templates = try DatabaseCatalogue().templates
        #expect(!templates.isEmpty)
        for template in templates {
            let limits = template.limits
            #expect(limits.cpuMillis > 0, "\(template.id)")
            #expect(limits.memoryBytes > 0, "\(template.id)")
            #expect(limits.pidsMax > 0, "\(template.id)")
            #expect(limits.logFileBytesMax > 0 && limits.logFilesMax > 0, "\(template.id)")
            #expect(template.layout.limits == limits && template.blueprint.limits == limits)
        }
    }
}
