import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Messages
import PostgresClient
import StandardMessages
import Testing

@testable import AgentCore

@Suite struct KeepingTests {
    private let start = Instant(nanoseconds: 0)

    @Test("the pause grows from one second to a minute, and begins anew after a calm minute")
    func pauses() {
        var pauses = RestartPauses()
        var now = start
        var seen: [Duration] = []
        for _ in 0..<8 {
            let due = pauses.due(Sample.service, now: now)
            seen.append(now.duration(to: due))
            // Asked again meanwhile, the plan stands.
            #expect(pauses.due(Sample.service, now: now) == due)
            now = due
            pauses.started(Sample.service, now: now)
        }
        #expect(seen == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        #expect(pauses.restarts(of: Sample.service) == 8)
        now = now.advanced(by: .seconds(61))
        #expect(now.duration(to: pauses.due(Sample.service, now: now)) == .seconds(1))
        #expect(pauses.restarts(of: Sample.service) == 0, "it had run well")
        pauses.started(Sample.service, now: now)
        #expect(pauses.restarts(of: Sample.service) == 1)
        pauses.forget(Sample.service)
        #expect(pauses.restarts(of: Sample.service) == 0)
    }

    private func container(
        _ name: String, _ deployment: DeploymentID, token: Int64,
        _ status: EngineContainerDetails
    ) -> EngineContainerDetails {
        var details = status
        details.id = name
        details.name = name
        details.labels = [
            Label.service: "\(Sample.service)", Label.deployment: "\(deployment)",
            Label.fencingToken: "\(token)", Label.environment: "\(Sample.environment)",
        ]
        return details
    }

    private let exited = EngineContainerDetails(id: "", status: .exited)
    private let running = EngineContainerDetails(id: "", status: .running)

    @Test("only what shall run is started, and never beside another of its service")
    func startable() {
        let desired = [Sample.service: Sample.deployment]
        var surveyed = Surveyed()
        surveyed.containers = [container("a", Sample.deployment, token: 1, exited)]
        #expect(surveyed.startable(desired).map(\.details.name) == ["a"])
        #expect(surveyed.startable([:]).isEmpty)
        #expect(surveyed.startable([Sample.service: Sample.otherDeployment]).isEmpty)
        surveyed.containers.append(container("b", Sample.otherDeployment, token: 2, running))
        #expect(surveyed.startable(desired).isEmpty)
    }

    @Test("the inventory has one container a service, and says what is nobody's")
    func inventory() throws {
        var surveyed = Surveyed(begunAt: Instant.now().advanced(by: .seconds(-90)))
        var ended = exited
        ended.exitCode = 137
        ended.wasOutOfMemory = true
        surveyed.containers = [
            container("a", Sample.deployment, token: 1, ended),
            container("b", Sample.otherDeployment, token: 2, exited),
        ]
        surveyed.volumes = [EngineVolume(name: "v", labels: [Label.service: "\(Sample.service)"])]
        surveyed.networks = ["berth-env-\(Sample.environment)", "berth-env-old"]
        let inventory = try #require(
            surveyed.inventory(
                [Sample.service: Sample.deployment], isBusy: { _ in false }, restarts: { _ in 3 }))
        #expect(inventory.containers.map(\.deploymentID) == ["\(Sample.deployment)"])
        #expect((90...150).contains(inventory.surveyAge?.seconds ?? 0))
        #expect(inventory.containers.first?.state == .restarting)
        #expect(inventory.containers.first?.message == "exited with code 137, out of memory")
        #expect(inventory.containers.first?.restartCount == 3)
        #expect(inventory.orphans == ["b", "berth-env-old"])
        let unwanted = try #require(
            surveyed.inventory([:], isBusy: { _ in false }, restarts: { _ in 0 }))
        #expect(unwanted.orphans == ["a", "b", "v", "berth-env-old"])
        // By these the control plane knows that "v" is no container.
        #expect(unwanted.volumes.map(\.name) == ["v"])
        #expect(inventory.volumes.isEmpty)
        #expect(unwanted.containers.first?.state == .exited)
        let busy = try #require(
            surveyed.inventory([:], isBusy: { _ in true }, restarts: { _ in 0 }))
        #expect(busy.orphans == ["berth-env-old"])
    }

    /// So many services' containers, each with a long message.
    private func crowd(_ count: Int) -> Surveyed {
        var surveyed = Surveyed()
        for number in 1...UInt64(count) {
            var details = container("c\(number)", Sample.deployment, token: .max, running)
            details.labels[Label.service] = "\(ServiceID(high: 1, low: number))"
            details.startedAt = "2026-01-01T00:00:00.123456789Z"
            surveyed.containers.append(details)
        }
        surveyed.networks = (0..<100).map { "berth-env-\($0)" }
        return surveyed
    }

    @Test("the largest inventory fits into a report, whole; a larger one is not sent")
    func inventorySize() throws {
        let doubt = { (_: String) in String(repeating: "x", count: Answers.reasonBytesMax) }
        let large = try #require(
            crowd(InventorySize.containersMax).inventory(
                [:], isBusy: { _ in false }, restarts: { _ in .max }, doubt: doubt))
        #expect(large.containers.count == InventorySize.containersMax)
        #expect(try Wire.encode(large).count <= InventorySize.bytesMax)
        #expect(large.orphans.count >= InventorySize.orphansSureMax)
        let small = try #require(
            crowd(100).inventory(
                [:], isBusy: { _ in false }, restarts: { _ in 0 }, doubt: doubt))
        #expect(small.containers.allSatisfy { $0.message.hasPrefix("runs, and xxx") })
        // A part would say that the rest is gone.
        #expect(
            crowd(InventorySize.containersMax + 1).inventory(
                [:], isBusy: { _ in false }, restarts: { _ in 0 }) == nil)
    }

    @Test("a stranger is named beside thousands that are known, each with its kind, in any order")
    func manyOrphans() throws {
        var surveyed = Surveyed()
        surveyed.containers = [container("a", Sample.deployment, token: 1, running)]
        surveyed.volumes = (1...1200).map { number in
            let service = ServiceID(high: 7, low: UInt64(number))
            return EngineVolume(
                name: "berth-data-\(service)", labels: [Label.service: "\(service)"])
        }
        surveyed.volumes.append(EngineVolume(name: "stranger", labels: [:]))
        let desired = [Sample.service: Sample.deployment]
        let inventory = try #require(
            surveyed.inventory(desired, isBusy: { _ in false }, restarts: { _ in 0 }))
        #expect(inventory.orphans.count == 1201)
        #expect(inventory.orphans.last == "stranger")
        #expect(inventory.volumes.map(\.name) == inventory.orphans)
        surveyed.volumes.reverse()
        let again = try #require(
            surveyed.inventory(desired, isBusy: { _ in false }, restarts: { _ in 0 }))
        #expect(again.orphans == inventory.orphans)
    }

    @Test("orphans beyond what a report holds are left out, and never a container for them")
    func orphansBeyondTheLimits() throws {
        var surveyed = crowd(1500)
        surveyed.networks = (0..<5000).map { "berth-env-\($0)" }
        surveyed.volumes = (0..<5000).map { EngineVolume(name: "berth-data-\($0)", labels: [:]) }
        let desired = Dictionary(
            uniqueKeysWithValues: (1...UInt64(1500)).map {
                (ServiceID(high: 1, low: $0), Sample.deployment)
            })
        let full = try #require(
            surveyed.inventory(desired, isBusy: { _ in false }, restarts: { _ in 0 }))
        #expect(full.containers.count == 1500)
        #expect(full.orphans.count > InventorySize.orphansSureMax)
        #expect(full.volumes.map(\.name) == full.orphans, "volumes come before networks")
        let bytes = try Wire.encode(full).count
        #expect((InventorySize.bytesMax - 16384...InventorySize.bytesMax).contains(bytes))
        surveyed.containers = []
        surveyed.volumes = []
        let most = try #require(
            surveyed.inventory([:], isBusy: { _ in false }, restarts: { _ in 0 }))
        #expect(most.orphans.count == InventorySize.orphansMax)
        #expect(try Wire.encode(most).count <= InventorySize.bytesMax)
    }

    @Test("a database that has answered may miss one question, and one that has not none")
    func answers() {
        var record = AnswerRecord(startedAt: nil, now: start)
        #expect(record.doubt == "it was not asked yet")
        record.note(.starting("FATAL"), now: start)
        #expect(record.doubt == "PostgreSQL takes no connections yet")
        #expect(record.due == start.advanced(by: .seconds(1)))
        record.note(.serves, now: start)
        #expect(record.doubt == nil)
        #expect(record.due == start.advanced(by: AnswerRecord.interval))
        #expect(!record.isDue(start))
        #expect(record.isDue(start.advanced(by: AnswerRecord.freshMax)))
        record.note(.silent("timeout"), now: start)
        #expect(record.doubt == nil)
        record.note(.silent("timeout"), now: start)
        #expect(record.doubt == "PostgreSQL does not answer: timeout")
        for _ in 0..<20 { record.note(.silent("timeout"), now: start) }
        #expect(record.due == start.advanced(by: AnswerRecord.interval))
        record.note(.serves, now: start)
        #expect(record.doubt == nil)
    }
}
