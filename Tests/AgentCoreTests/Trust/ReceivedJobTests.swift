import BerthMessages
import Domain
import Messages
import StandardMessages
import Testing

@testable import AgentCore

@Suite struct ReceivedJobTests {
    private func deploy(_ change: (inout AgentV1.DeployJob) -> Void = { _ in }) -> AgentV1.Job {
        .with {
            $0.reference = AgentV1.JobReference(Sample.reference(1))
            $0.serviceID = "\(Sample.service)"
            $0.kind = .deploy(
                .with {
                    $0.environmentID = "\(Sample.environment)"
                    $0.deploymentID = "\(Sample.deployment)"
                    $0.slug = "db"
                    $0.image = "postgres:16"
                    $0.port = 5432
                    $0.environment = [
                        .with {
                            $0.name = "POSTGRES_PASSWORD"
                            $0.value = "hush"
                            $0.secret = true
                        }
                    ]
                    $0.volume = .with {
                        $0.name = "berth-data-1"
                        $0.mountPath = "/data"
                        $0.dataPath = "/data/pgdata"
                    }
                    $0.probe = .with {
                        $0.databaseName = "app"
                        $0.username = "app"
                        $0.password = "hush"
                    }
                    $0.pullTimeout = .with { $0.seconds = 600 }
                    $0.startTimeout = .with { $0.seconds = 60 }
                    $0.stopTimeout = .with { $0.seconds = 10 }
                    change(&$0)
                })
        }
    }

    @Test("a whole deploy job is read")
    func whole() throws {
        guard case .work(let job) = ReceivedJob(deploy()), case .deploy(let order) = job.kind else {
            Issue.record("not read")
            return
        }
        #expect(order.environment.first?.value == .secret(SecretText("hush")))
        #expect(order.timeouts.pull == .seconds(600))
        #expect(order.pinnedImage == nil)
        #expect(order.volume.systemIdentifier == nil)
    }

    @Test("what could become a strange container is not read")
    func strange() {
        let changes: [(inout AgentV1.DeployJob) -> Void] = [
            { $0.slug = "DB" }, { $0.slug = "../x" }, { $0.slug = "" }, { $0.port = 0 },
            { $0.port = 65_536 }, { $0.image = "" }, { $0.environmentID = "" },
            { $0.volume = nil }, { $0.probe = nil }, { $0.startTimeout = nil },
            { $0.startTimeout?.seconds = -1 }, { $0.volume?.name = "/etc" },
            { $0.volume?.mountPath = "data" }, { $0.volume?.mountPath = "/a/../b" },
            { $0.volume?.dataPath = "/elsewhere" },
            { $0.environment.append($0.environment[0]) }, { $0.environment[0].name = "A=B" },
            { $0.environment[0].name = "" },
        ]
        for (index, change) in changes.enumerated() {
            #expect(ReceivedJob(deploy(change)) == nil, "change \(index)")
        }
    }

    @Test("what shall run is read as a whole or not at all")
    func desired() {
        let good = AgentV1.DesiredService.with {
            $0.serviceID = "\(Sample.service)"
            $0.deploymentID = "\(Sample.deployment)"
        }
        let layout = AgentV1.DataLayout.with {
            $0.image = Sample.layout.image
            $0.port = Sample.layout.port
            $0.mountPath = Sample.layout.mountPath
            $0.dataPath = Sample.layout.dataPath
        }
        var state = AgentV1.DesiredState.with {
            $0.services = [good]
            $0.layouts = [layout, .with { $0.image = "postgres:16" }]
        }
        guard
            case .desired(let services, let layouts) = ReceivedJob(
                AgentV1.Job.with { $0.kind = .desiredState(state) })
        else {
            Issue.record("not read")
            return
        }
        #expect(services == [Sample.service: Sample.deployment])
        // A layout that is not whole is left out.
        #expect(layouts.map(\.dataPath) == [Sample.layout.dataPath])
        #expect(layouts.map(\.port) == [5432])
        state.layouts[0].dataPath = "/elsewhere"
        #expect(
            ReceivedJob(AgentV1.Job.with { $0.kind = .desiredState(state) })
                == .desired(services, layouts: []))
        let broken = AgentV1.Job.with {
            $0.kind = .desiredState(.with { $0.services = [good, .with { $0.serviceID = "x" }] })
        }
        #expect(ReceivedJob(broken) == nil)
    }

    @Test("a request for logs is bounded")
    func logs() {
        let job = AgentV1.Job.with {
            $0.serviceID = "\(Sample.service)"
            $0.kind = .logs(
                .with {
                    $0.requestID = "r"
                    $0.tailLines = 1_000_000
                    $0.follow = true
                })
        }
        guard case .logs(let order) = ReceivedJob(job) else {
            Issue.record("not read")
            return
        }
        #expect(order.kind == .start(tailLines: 10_000, follows: true))
    }
}
