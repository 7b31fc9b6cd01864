import Domain
import EventLoops
import Logging

/// What `berth-agent register` wrote: who the agent is, and its way to the control plane.
struct Registration {
    let identity: AgentIdentity
    let link: any ControlPlaneLink
}

/// Reads the registration again, for an agent that works already.
protocol RegistrationSource: AnyObject {
    /// The registration as it is kept now.
    /// - Throws: Why that is of no use.
    func read() async throws -> Registration
}

/// What a registration that was read again is to an agent that works.
enum Renewal: Equatable {
    /// The one that it works with.
    case none
    /// A later one of the same server.
    case newCredential
    /// One of another server, whose things in Docker have other labels: for another process.
    case otherServer

    init(from current: AgentIdentity, to read: AgentIdentity) {
        if read.serverID != current.serverID {
            self = .otherServer
        } else if read.credential.revealed != current.credential.revealed {
            self = .newCredential
        } else {
            self = .none
        }
    }
}

/// The state folder as ``RegistrationSource``.
final class KeptRegistration: RegistrationSource {
    private let folder: StateFolder
    /// Instead of the authorities that were registered with; nil for those.
    private let authorities: [UInt8]?
    private let workers: WorkerPool
    private let reactor: Reactor
    private let logger: Logger

    init(
        folder: StateFolder, authorities: [UInt8]?, workers: WorkerPool, reactor: Reactor,
        logger: Logger
    ) {
        self.folder = folder
        self.authorities = authorities
        self.workers = workers
        self.reactor = reactor
        self.logger = logger
    }

    func read() async throws -> Registration {
        let folder = folder
        return try registration(of: try await workers.run { try folder.load() })
    }

    /// The registration of an identity that was read.
    /// - Throws: `ControlPlaneCaller.BadAuthorities`, ``UnsafeAddress``.
    func registration(of identity: AgentIdentity) throws -> Registration {
        guard identity.controlPlane.isSafe else {
            throw UnsafeAddress(address: identity.controlPlane)
        }
        let link = try ControlPlaneCaller(
            to: identity.controlPlane, authorities: authorities ?? identity.authorities,
            credential: identity.credential.revealed, workers: workers, reactor: reactor,
            logger: logger)
        return Registration(identity: identity, link: link)
    }

    /// Whoever is on the way to the control plane could read and change what is sent.
    struct UnsafeAddress: Error, CustomStringConvertible {
        let address: ControlPlaneAddress
        var description: String { "\(address): is neither https nor this machine" }
    }
}
