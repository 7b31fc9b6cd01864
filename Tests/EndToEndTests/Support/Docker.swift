import Foundation
import Glibc

/// A place's engine, by its own client.
enum Docker {
    /// Runs a command of the client.
    @discardableResult
    static func run(
        _ arguments: [String], input: String = "", in place: Place = .machine,
        within duration: Duration = .seconds(180)
    ) throws -> ChildProcess.Finished {
        try ChildProcess.run(place.client + arguments, input: input, within: duration)
    }

    /// What a command that must succeed printed, without the last line's end.
    @discardableResult
    static func succeed(
        _ arguments: [String], input: String = "", in place: Place = .machine
    ) throws -> String {
        let finished = try run(arguments, input: input, in: place)
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(
                description: "docker \(arguments.joined(separator: " ")): \(finished.standardError)"
            )
        }
        return finished.standardOutput.trimmingCharacters(in: .newlines)
    }

    /// The lines of what a command printed.
    static func lines(_ arguments: [String], in place: Place = .machine) throws -> [String] {
        try succeed(arguments, in: place).split(separator: "\n").map(String.init)
    }

    /// The ids of a service's containers, those included that have ended.
    static func containers(of serviceID: String, in place: Place = .machine) throws -> [String] {
        try lines(
            ["ps", "--all", "--quiet", "--no-trunc", "--filter", label("service", serviceID)],
            in: place)
    }

    /// The names of a service's volumes.
    static func volumes(of serviceID: String, in place: Place = .machine) throws -> [String] {
        try lines(
            ["volume", "ls", "--quiet", "--filter", label("service", serviceID)], in: place)
    }

    /// The names of an environment's networks.
    static func networks(
        ofEnvironment environmentID: String, in place: Place = .machine
    ) throws -> [String] {
        try lines(
            [
                "network", "ls", "--format", "{{.Name}}", "--filter",
                label("environment", environmentID),
            ], in: place)
    }

    /// Removes everything in a volume.
    static func empty(_ volume: String) throws {
        try succeed([
            "run", "--rm", "--volume", "\(volume):/data", "--entrypoint", "/bin/sh",
            try Harbour.image, "-c", "rm -rf /data/* /data/.[!.]*",
        ])
    }

    /// A field of something, by a Go template.
    static func inspect(
        _ name: String, _ template: String, in place: Place = .machine
    ) throws -> String {
        try succeed(["inspect", "--format", template, name], in: place)
    }

    /// Removes everything that an agent of a server made; the agent has ended.
    static func removeAll(ofServer serverID: String) throws {
        let mine = label("server", serverID)
        // What the agent asked for last may only come to be now, and a sibling may still be leaving.
        for _ in 1...10 {
            let containers = try lines(["ps", "--all", "--quiet", "--filter", mine])
            if !containers.isEmpty { try run(["rm", "--force"] + containers) }
            let others = [
                ("volume", try lines(["volume", "ls", "--quiet", "--filter", mine])),
                ("network", try lines(["network", "ls", "--quiet", "--filter", mine])),
            ]
            for (kind, names) in others where !names.isEmpty { try run([kind, "rm"] + names) }
            if containers.isEmpty, others.allSatisfy(\.1.isEmpty) { return }
            usleep(100_000)
        }
    }

    /// A new image made of another by lines of a Dockerfile.
    static func build(_ name: String, _ dockerfile: String) throws {
        try succeed(["build", "--quiet", "--tag", name, "-"], input: dockerfile)
    }

    private static func label(_ name: String, _ value: String) -> String {
        "label=berth.\(name)=\(value)"
    }
}
