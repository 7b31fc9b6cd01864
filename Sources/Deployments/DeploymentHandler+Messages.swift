import BerthMessages
import Domain
import StandardMessages

extension BerthV1.Deployment {
    init(_ deployment: Deployment) {
        self.init()
        id = deployment.id.description
        serviceID = deployment.serviceID.description
        serverID = deployment.serverID.description
        state = BerthV1.DeploymentState(deployment.state)
        trigger = BerthV1.DeploymentTrigger(deployment.trigger)
        message = deployment.message
        image = deployment.image
        createTime = GoogleProtobuf.Timestamp(deployment.createdAt)
        updateTime = GoogleProtobuf.Timestamp(deployment.updatedAt)
        failureReason = deployment.failure?.reason ?? ""
        failureHint = deployment.failure?.hint ?? ""
        attempt = deployment.attempt
        pinnedImage = deployment.pinnedImage
    }

    init(_ history: DeploymentHistory) {
        self.init(history.deployment)
        events = history.events.map { event in
            var message = BerthV1.DeploymentEvent()
            message.state = BerthV1.DeploymentState(event.state)
            message.message = event.message
            message.time = GoogleProtobuf.Timestamp(event.at)
            return message
        }
    }
}

extension BerthV1.LogLine {
    init(_ line: LogLine) {
        self.init()
        time = GoogleProtobuf.Timestamp(line.time)
        text = line.text
        standardError = line.isStandardError
    }
}

extension BerthV1.DeploymentState {
    fileprivate init(_ state: DeploymentState) {
        self =
            switch state {
            case .queued: .queued
            case .claimed: .claimed
            case .pulling: .pulling
            case .starting: .starting
            case .verifying: .verifying
            case .running: .running
            case .failed: .failed
            case .superseded: .superseded
            case .cancelled: .cancelled
            }
    }
}

extension BerthV1.DeploymentTrigger {
    fileprivate init(_ trigger: NewDeployment.Trigger) {
        self =
            switch trigger {
            case .create: .create
            case .deploy: .deploy
            case .redeploy: .redeploy
            case .recover: .recover
            case .undelete: .undelete
            }
    }
}
