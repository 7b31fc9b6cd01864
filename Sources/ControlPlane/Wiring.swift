public import Agents
public import Audit
public import Config
public import Deployments
public import Policy
public import Services

// Where the modules meet: each conformance is a port of one module satisfied by another, and no
// module knows the other.

extension LogRelay: LogTails {}
extension ConfigModule: ConfigSetter {}
extension ConfigModule: ConfigRevealer {}
extension DeploymentsModule: DeploymentEnqueuer {}
extension DeploymentsModule: DeploymentRetirer {}
extension DeploymentsModule: ServiceConditions {}
extension DeploymentsModule: AgentJobs {}
extension DeployableServiceSource: DeployableServices {}
extension ConfigModule: SecretEraser {}
extension ConfigModule: DeploymentConfig {}
extension RoleAuthorizer: ReadAuthorizer {}
extension AuditModule: Services.AuditRecorder {}
extension AuditModule: Agents.AuditRecorder {}
extension AuditModule: Deployments.AuditRecorder {}
