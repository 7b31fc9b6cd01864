import DockerEngine
import Domain
import Testing

@testable import AgentCore

@Suite struct ContainerPlanTests {
    private let plan = ContainerPlan(
        order: Sample.order(), job: Sample.identity(7), serverID: Sample.server)

    @Test("the container is exactly this one")
    func container() {
        var expected = ContainerSpecification(name: "berth-db-0d6c1b1f2a04-7", image: "sha256:1")
        expected.environment = [
            "POSTGRES_DB": "app", "POSTGRES_USER": "app", "POSTGRES_PASSWORD": Sample.password,
            "PGDATA": "/var/lib/postgresql/data/pgdata",
        ]
        expected.labels = [
            "berth.service": "\(Sample.service)", "berth.environment": "\(Sample.environment)",
            "berth.deployment": "\(Sample.deployment)", "berth.fencing-token": "7",
            "berth.slug": "db", "berth.server": "\(Sample.server)", "berth.role": "service",
            "berth.secret-names": "POSTGRES_PASSWORD", "berth.port": "5432",
        ]
        expected.mounts = [
            VolumeMount(volume: "berth-data-1", path: "/var/lib/postgresql/data")
        ]
        expected.network = NetworkAttachment(network: "berth-init")
        expected.restartPolicy = .never
        expected.resources.nanoCPUs = 1_500_000_000
        expected.resources.memoryBytes = 512 << 20
        expected.resources.memoryAndSwapBytes = 512 << 20
        expected.resources.processesMax = 256
        expected.resources.sharedMemoryBytes = 64 << 20
        expected.logs = LogRetention(fileBytesMax: 1 << 20, filesMax: 2)
        expected.capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
        expected.stopSignal = "SIGINT"
        expected.stopTimeout = .seconds(10)
        #expect(plan.container(imageID: "sha256:1") == expected)
        #expect(
            plan.attachment
                == NetworkAttachment(
                    network: "berth-env-\(Sample.environment)", aliases: ["db"]))
    }

    @Test("no label holds a secret")
    func labels() {
        let container = plan.container(imageID: "sha256:1")
        for labels in [container.labels, plan.volumeLabels, plan.network.labels] {
            #expect(!labels.values.contains { $0.contains("s3cret") })
        }
    }

    @Test("a limit of 0 is none")
    func noLimits() {
        var order = Sample.order()
        order.limits = ResourceLimits(
            cpuMillis: 0, memoryBytes: 0, pidsMax: 0, logFileBytesMax: 0, logFilesMax: 0,
            sharedMemoryBytes: 0)
        let plan = ContainerPlan(order: order, job: Sample.identity(1), serverID: Sample.server)
        let container = plan.container(imageID: "x")
        #expect(container.resources == ContainerResources())
        // Logs are bounded whatever the job says.
        #expect(container.logs == LogRetention())
    }

    @Test("siblings reach each other, and what initialises reaches nobody")
    func networks() {
        #expect(plan.network.isInternal)
        #expect(
            plan.network.options == ["com.docker.network.bridge.name": "berth1b1f2a03"])
        #expect(ContainerPlan.initNetwork.isInternal)
        #expect(
            ContainerPlan.initNetwork.options["com.docker.network.bridge.enable_icc"] == "false")
    }

    @Test("names of things made in the same minute differ")
    func names() {
        let first = Sample.id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a01", as: EnvironmentID.self)
        let second = Sample.id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a02", as: EnvironmentID.self)
        #expect(DockerNames.bridge(of: first) != DockerNames.bridge(of: second))
        #expect(DockerNames.bridge(of: first).utf8.count <= 15)
    }
}
