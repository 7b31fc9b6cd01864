import Domain

/// Why a job failed, for programs, and what a person can do about it.
enum FailureReason: String, CaseIterable, Sendable {
    case imageNotFound = "IMAGE_NOT_FOUND"
    case pullFailed = "PULL_FAILED"
    case pullTimeout = "PULL_TIMEOUT"
    case dataMissing = "DATA_MISSING"
    case wrongData = "WRONG_DATA"
    case volumeConflict = "VOLUME_CONFLICT"
    case loginRefused = "LOGIN_REFUSED"
    case loginNotAdmitted = "LOGIN_NOT_ADMITTED"
    case passwordNotRequired = "PASSWORD_NOT_REQUIRED"
    case containerExited = "CONTAINER_EXITED"
    case containerMissing = "CONTAINER_MISSING"
    case startFailed = "START_FAILED"
    case startTimeout = "START_TIMEOUT"
    case connectionsExhausted = "CONNECTIONS_EXHAUSTED"
    case outOfMemory = "OUT_OF_MEMORY"
    case diskFull = "DISK_FULL"
    case dockerUnavailable = "DOCKER_UNAVAILABLE"
    case dockerRefused = "DOCKER_REFUSED"
    case networksExhausted = "NETWORKS_EXHAUSTED"
    case firewallUnavailable = "FIREWALL_UNAVAILABLE"
    case internalFault = "INTERNAL"

    /// What a person can do about it.
    var hint: String {
        switch self {
        case .imageNotFound:
            "Check the image's name and tag, and that the server may pull it from its registry."
        case .pullFailed:
            "Check that the server reaches the registry, then deploy again."
        case .pullTimeout:
            "Pull the image on the server by hand, or deploy again: what was fetched is kept."
        case .dataMissing:
            "The service had data, and it is not on this server's volume. Restore the volume from a "
                + "backup; Berth never makes an empty database in its place."
        case .wrongData:
            "The volume holds another PostgreSQL's data. Put back the volume that belongs to the "
                + "service."
        case .volumeConflict:
            "A volume of that name exists and is not the service's. Rename or remove it on the server."
        case .loginRefused:
            "PostgreSQL runs and refuses the stored user or password. If the password was changed "
                + "inside the database, change it back."
        case .loginNotAdmitted:
            "PostgreSQL looked at no password: its pg_hba.conf has no line for that user on the "
                + "environment's network, or the role is gone or may not log in. Let pg_hba.conf "
                + "admit that network by scram-sha-256, then do it again."
        case .passwordNotRequired:
            "Whoever reaches the database gets in. Have pg_hba.conf, on the service's volume or in "
                + "its image, ask for scram-sha-256 in place of trust, then do it again."
        case .containerExited:
            "Read the last log lines in the message; a setting or the image is wrong."
        case .containerMissing:
            "Redeploy the service: its container is gone, its data is not."
        case .startFailed:
            "Docker could not start the container; its own words are in the message."
        case .startTimeout:
            "Read the service's logs. A large database may need longer to recover: deploy again."
        case .connectionsExhausted:
            "The database runs. Let its clients hold fewer connections, through a pool, or raise "
                + "max_connections; then do it again."
        case .outOfMemory:
            "Give the service more memory, or let it use less."
        case .diskFull:
            "Free disk space on the server, then deploy again."
        case .dockerUnavailable:
            "Check on the server that Docker runs and that the agent may use its socket."
        case .dockerRefused:
            "Docker refused a request; its own words are in the message."
        case .networksExhausted:
            "Docker has no addresses left for another network. Give it smaller and more ranges: "
                + "default-address-pools in /etc/docker/daemon.json; Podman's are "
                + "default_subnet_pools in containers.conf."
        case .firewallUnavailable:
            "Install iptables on the server and run the agent as root, or start it with "
                + "--without-firewall if another firewall keeps containers from the host."
        case .internalFault:
            "Deploy again; if it happens again, the agent's log on the server says more."
        }
    }
}

/// A job that was given up.
struct JobFailed: Error, Equatable, CustomStringConvertible {
    let reason: FailureReason
    /// For people; holds no secret.
    let message: String

    init(_ reason: FailureReason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    var description: String { "\(reason.rawValue): \(message)" }

    /// The same with a sentence behind it.
    func adding(_ sentence: String) -> JobFailed { JobFailed(reason, "\(message) \(sentence)") }
}

/// A container of the service has a newer fencing token: the job is nobody's any more.
struct JobStale: Error {}
