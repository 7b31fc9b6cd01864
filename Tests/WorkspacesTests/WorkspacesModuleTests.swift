import Domain
import PostgresClient
import Testing

@testable import Workspaces

@Suite("WorkspacesModule")
struct WorkspacesModuleTests {
    final class FakeWorkspaceStore: WorkspaceStore {
        var workspaces: [WorkspaceID] = []
        var members: [(WorkspaceID, UserID, Role)] = []
        var projects: [(ProjectID, WorkspaceID)] = []
        var environments: [NewEnvironment] = []

        func insertWorkspaceWithinTx(
            _ tx: Transaction, id: WorkspaceID, name: String, at: Timestamp
        ) async throws {
            workspaces.append(id)
        }

        func insertMemberWithinTx(
            _ tx: Transaction, workspaceID: WorkspaceID, userID: UserID, role: Role, at: Timestamp
        ) async throws {
            members.append((workspaceID, userID, role))
        }

        func insertProjectWithinTx(
            _ tx: Transaction, id: ProjectID, workspaceID: WorkspaceID, name: String,
            at: Timestamp
        ) async throws {
            projects.append((id, workspaceID))
        }

        func insertEnvironmentWithinTx(
            _ tx: Transaction, _ environment: NewEnvironment
        ) async throws {
            environments.append(environment)
        }
    }

    @Test("what is made lies in what was made before, under the ids that the caller is given")
    func nests() async throws {
        let store = FakeWorkspaceStore()
        let module = WorkspacesModule(store: store)
        let tx = Transaction.disconnected()
        let time = Timestamp(microsecondsSince1970: 1_800_000_000_000_000)
        let user = UserID(high: 1, low: 1)
        let workspace = try await module.addWorkspaceWithinTx(tx, name: "Acme", at: time)
        try await module.addMemberWithinTx(
            tx, userID: user, role: .admin, to: workspace, at: time)
        let project = try await module.addProjectWithinTx(
            tx, name: "Shop", to: workspace, at: time)
        let environment = try await module.addEnvironmentWithinTx(
            tx, name: "production", to: project, of: workspace, at: time)

        #expect(store.workspaces == [workspace])
        #expect(store.members.map(\.0) == [workspace])
        #expect(store.members.map(\.1) == [user])
        #expect(store.members.map(\.2) == [.admin])
        #expect(store.projects.map(\.0) == [project])
        #expect(store.projects.map(\.1) == [workspace])
        #expect(
            store.environments == [
                NewEnvironment(
                    id: environment, projectID: project, workspaceID: workspace,
                    name: "production", at: time)
            ])
    }
}
