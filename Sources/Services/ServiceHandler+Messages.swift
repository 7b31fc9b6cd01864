import BerthMessages
import Domain
import StandardMessages

extension BerthV1.Service {
    init(_ status: ServiceStatus) {
        self.init()
        let service = status.service
        id = service.id.description
        environmentID = service.environmentID.description
        projectID = service.projectID.description
        workspaceID = service.workspaceID.description
        name = service.name
        slug = service.slug.description
        kind = BerthV1.ServiceKind(service.kind)
        if case .template(let template) = service.source { templateID = template }
        image = service.image
        port = service.port
        visibility = BerthV1.Visibility(service.visibility)
        state = BerthV1.ServiceState(status.state)
        serverID = service.serverID?.description ?? ""
        createTime = GoogleProtobuf.Timestamp(service.createdAt)
        updateTime = GoogleProtobuf.Timestamp(service.updatedAt)
        deleteTime = service.deletedAt.map { GoogleProtobuf.Timestamp($0) }
        purgeTime = service.purgeAt.map { GoogleProtobuf.Timestamp($0) }
        stateMessage = status.message
    }
}

extension BerthV1.ServiceKind {
    fileprivate init(_ kind: Service.Kind) {
        self =
            switch kind {
            case .application: .application
            case .database: .database
            }
    }
}

extension BerthV1.Visibility {
    fileprivate init(_ visibility: Service.Visibility) {
        self =
            switch visibility {
            case .private: .private
            case .public: .public
            }
    }
}

extension BerthV1.ServiceState {
    fileprivate init(_ state: ServiceState) {
        self =
            switch state {
            case .notDeployed: .notDeployed
            case .queued: .queued
            case .deploying: .deploying
            case .running: .running
            case .failed: .failed
            case .cancelled: .cancelled
            case .crashed: .crashed
            case .offline: .offline
            case .deleting: .deleting
            case .deleted: .deleted
            case .purged: .purged
            }
    }
}

extension BerthV1.RevealConnectionResponse {
    init(_ parts: ConnectionParts) {
        self.init()
        host = parts.host
        port = parts.port
        databaseName = parts.databaseName
        username = parts.username
        password = parts.password.revealed
        connectionURI = parts.uri.revealed
    }
}

extension BerthV1.DatabaseTemplate {
    init(_ template: DatabaseTemplate) {
        self.init()
        id = template.id
        displayName = template.displayName
        image = template.image
        port = template.port
        defaultDatabaseName = template.databaseNameDefault
        defaultUsername = template.usernameDefault
    }
}

extension ListServices.Parent {
    init(_ scope: BerthV1.ListServicesRequest.Scope?) {
        self =
            switch scope {
            case .environmentID(let id): .environment(id)
            case .projectID(let id): .project(id)
            case .workspaceID(let id): .workspace(id)
            case nil: .missing
            }
    }
}
