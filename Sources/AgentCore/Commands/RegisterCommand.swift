import ArgumentParser
import BerthMessages
import Cryptography
import Domain
import EventLoops
import Logging
import Messages
import RPC

/// `berth-agent register`.
struct RegisterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Become the agent of the server that a registration token was minted for.",
        discussion: """
            The token comes from ServerService.CreateRegistrationToken; it works once. Registering \
            again replaces the key and the credential of before; an agent that works with the folder \
            goes on with the new ones.
            """)

    @Option(help: "The control plane: https://HOST[:PORT], or http://127.0.0.1:PORT.")
    var controlPlane: String
    @Option(help: "A file that holds the registration token; - reads standard input.")
    var tokenFile: String
    @Option(help: "The folder that keeps what the agent is; made when missing, mode 0700.")
    var stateDir: String
    @Option(
        name: .customLong("tls-ca"),
        help: "A PEM file: who vouches for the control plane; else the machine's authorities.")
    var authorities: String?

    func run() throws {
        let address = try checkedAddress()
        let folder = StateFolder(path: stateDir)
        // Before the token is used up.
        try folder.prepare()
        let pem = try authorities.map { try bytes(of: $0, "--tls-ca") }
        let token = try token()
        let key = try SigningKey.generate()
        let response = try call(address, pem, token, key)
        guard let server = ServerID(response.serverID), !response.credential.isEmpty else {
            throw ValidationError("the control plane's answer lacks the server or the credential")
        }
        try folder.save(
            AgentIdentity(
                controlPlane: address,
                controlPlaneKey: try VerificationKey(bytes: response.controlPlanePublicKey),
                authorities: pem, serverID: server, serverName: response.serverName,
                credential: SecretText(response.credential), key: key))
        print("registered as the agent of server \(response.serverName) (\(server))")
    }

    private func call(
        _ address: ControlPlaneAddress, _ authorities: [UInt8]?, _ token: SecretText,
        _ key: SigningKey
    ) throws -> AgentV1.RegisterResponse {
        do {
            return try EventLoop.runOnce { _, reactor in
                SignalSource.ignoreBrokenPipes()
                let caller = try ControlPlaneCaller(
                    to: address, authorities: authorities, credential: "",
                    workers: try WorkerPool(threads: 1), reactor: reactor,
                    logger: Logger(label: "berth-agent"))
                return try await caller.register(
                    .with {
                        $0.registrationToken = token.revealed
                        $0.publicKey = key.publicKey
                        $0.agentVersion = AgentVersion.text
                    })
            }
        } catch let status as RPCStatus where status.code == .unauthenticated {
            throw ValidationError("--token-file \(tokenFile): \(status.message)")
        }
    }

    private func checkedAddress() throws -> ControlPlaneAddress {
        guard let address = ControlPlaneAddress(controlPlane) else {
            throw ValidationError(
                "--control-plane \(controlPlane): must be https://HOST[:PORT] or http://HOST[:PORT]"
            )
        }
        guard address.isSafe else {
            throw ValidationError(
                "--control-plane \(controlPlane): without TLS everyone on the way could read "
                    + "passwords; use https://, or http:// to this machine alone")
        }
        return address
    }

    private func token() throws -> SecretText {
        let bytes = try tokenFile == "-" ? SmallFile.read(0) : bytes(of: tokenFile, "--token-file")
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard !text.isEmpty else { throw ValidationError("--token-file \(tokenFile): is empty") }
        return SecretText(text)
    }

    private func bytes(of path: String, _ option: String) throws -> [UInt8] {
        do {
            return try SmallFile.read(path)
        } catch {
            throw ValidationError("\(option) \(path): \(error)")
        }
    }
}
