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

    @Test(
        "an image of one's own has the form of one",
        arguments: [
            "postgres:17-alpine", "postgres", "registry.example:5000/team/postgres:16",
            "localhost:5000/db@sha256:" + String(repeating: "0a", count: 32),
            "berth/postgres-test:16",
        ])
    func image(_ image: String) throws {
        let catalogue = try DatabaseCatalogue(imageOverrides: ["postgres": image])
        #expect(catalogue.template("postgres")?.image == image)
    }

    @Test(
        "what cannot be an image, or names no template, is refused",
        arguments: [
            "", "Bad:::Image", "postgres:", ":16", "Postgres", "post gres", "a//b:1:2", "-x",
            "postgres@sha256:12", "postgres:16\n",
        ])
    func malformedImage(_ image: String) {
        #expect(throws: DatabaseCatalogue.OverrideRefusal.malformedImage(image)) {
            _ = try DatabaseCatalogue(imageOverrides: ["postgres": image])
        }
        #expect(throws: DatabaseCatalogue.OverrideRefusal.unknownTemplate("nosuch")) {
            _ = try DatabaseCatalogue(imageOverrides: ["nosuch": image])
        }
    }
}
