import BerthMessages
import Messages

@testable import RPC

extension HostileMessage {
    /// The create call.
    static let path = BerthV1.ServiceServiceMethods.createDatabaseService.path

    /// An honest request, to be spoiled.
    static func request(_ tenant: Tenant, _ name: String) -> [UInt8] {
        WireField.text(1, tenant.environmentID) + WireField.text(2, name)
            + WireField.text(3, "postgres")
    }

    static func all(_ tenant: Tenant) throws -> [HostileMessage] {
        nests(tenant) + bombs(tenant) + texts(tenant) + types(tenant) + lengths(tenant)
            + framings(tenant) + (try compressed(tenant))
    }

    private static func nests(_ tenant: Tenant) -> [HostileMessage] {
        var nest: [UInt8] = []
        while nest.count < 60_000 { nest = WireField.bytes(100, nest) }
        return [
            HostileMessage(
                "messages inside each other, in a field that is not known",
                request(tenant, "nest") + nest, .ok),
            HostileMessage(
                "groups inside each other",
                [UInt8](repeating: WireField.tag(1, 3)[0], count: 60_000), .internal),
        ]
    }

    private static func bombs(_ tenant: Tenant) -> [HostileMessage] {
        func many(_ field: [UInt8]) -> [UInt8] {
            [[UInt8]](repeating: field, count: 64_000 / field.count).flatMap(\.self)
        }
        return [
            HostileMessage(
                "thousands of empty messages in a field that is not known",
                request(tenant, "bomb") + many(WireField.bytes(100, [])), .resourceExhausted),
            HostileMessage(
                "thousands of empty names, of which the last counts",
                request(tenant, "bomb") + many(WireField.bytes(2, [])), .invalidArgument),
            HostileMessage(
                "a name of 64,000 bytes",
                WireField.text(1, tenant.environmentID) + WireField.text(3, "postgres")
                    + WireField.bytes(2, [UInt8](repeating: 0x61, count: 64_000)),
                .invalidArgument),
            HostileMessage(
                "a name of 4 MiB",
                WireField.text(1, tenant.environmentID) + WireField.text(3, "postgres")
                    + WireField.bytes(2, [UInt8](repeating: 0x61, count: (4 << 20) - 200)),
                .resourceExhausted),
            HostileMessage(
                "5 MiB", request(tenant, "big") + [UInt8](repeating: 0x61, count: 5 << 20),
                .resourceExhausted),
        ]
    }

    private static func texts(_ tenant: Tenant) -> [HostileMessage] {
        let spoiled: [(String, [UInt8])] = [
            ("a byte that UTF-8 never has", [0x61, 0xFF]), ("an overlong NUL", [0xC0, 0x80]),
            ("half a surrogate pair", [0xED, 0xA0, 0x80]), ("a cut character", [0x61, 0xE2, 0x82]),
            ("past the last character", [0xF4, 0x90, 0x80, 0x80]), ("a NUL", [0x61, 0x00, 0x62]),
        ]
        return spoiled.map { what, bytes in
            HostileMessage(
                "a name with \(what)", request(tenant, "x") + WireField.bytes(2, bytes), .internal)
        }
    }

    private static func types(_ tenant: Tenant) -> [HostileMessage] {
        let base = request(tenant, "types")
        let unknown =
            WireField.tag(200, 0) + [1] + WireField.tag(201, 1) + [UInt8](repeating: 7, count: 8)
            + WireField.text(202, "x") + WireField.tag(203, 5) + [1, 2, 3, 4]
        return [
            HostileMessage("fields that are not known, of each type", base + unknown, .ok),
            HostileMessage("a name that is a number", base + WireField.tag(2, 0) + [1], .internal),
            HostileMessage(
                "a name that is four bytes", base + WireField.tag(2, 5) + [1, 2, 3, 4], .internal),
            HostileMessage(
                "a name that is eight bytes",
                base + WireField.tag(2, 1) + [UInt8](repeating: 1, count: 8), .internal),
            HostileMessage("a flag that is a text", base + WireField.text(5, "yes"), .internal),
            HostileMessage("the wire type 6", base + WireField.tag(2, 6), .internal),
            HostileMessage("the wire type 7", base + WireField.tag(2, 7), .internal),
            HostileMessage("the field number 0", base + WireField.tag(0, 0) + [1], .internal),
            HostileMessage(
                "a tag of eleven bytes", base + [UInt8](repeating: 0xFF, count: 10) + [1], .internal
            ),
        ]
    }

    private static func lengths(_ tenant: Tenant) -> [HostileMessage] {
        let base = request(tenant, "lengths")
        return [1 << 10, 1 << 31, 1 << 32, 1 << 63, UInt64.max].map { length in
            HostileMessage(
                "a name that says it has \(length) bytes",
                base + WireField.tag(2, 2) + WireField.varint(length) + [0x61], .internal)
        }
    }

    private static func framings(_ tenant: Tenant) -> [HostileMessage] {
        let whole = CallingClient.framed(request(tenant, "framing"))
        return [
            HostileMessage("no message at all", body: [], .unimplemented),
            HostileMessage("half a prefix", body: [0, 0, 0], .internal),
            HostileMessage("a message without its last byte", body: whole.dropLast(), .internal),
            HostileMessage("two messages", body: whole + whole, .unimplemented),
            HostileMessage("a byte too many", body: whole + [0], .internal),
            HostileMessage("an unknown flag", body: [2] + whole.dropFirst(), .internal),
            HostileMessage("compressed by nothing", body: [1] + whole.dropFirst(), .internal),
            HostileMessage(
                "a length of 4 GiB", body: [0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3], .resourceExhausted),
        ]
    }

    private static func compressed(_ tenant: Tenant) throws -> [HostileMessage] {
        let bomb = try Gzip().compress([UInt8](repeating: 0, count: 64 << 20).span)
        func body(_ bytes: [UInt8]) -> [UInt8] { [1] + CallingClient.framed(bytes).dropFirst() }
        return [
            HostileMessage(
                "64 MiB in \(bomb.count >> 10) KiB of gzip", body: body(bomb), isGzip: true,
                .resourceExhausted),
            HostileMessage(
                "gzip that is none", body: body([1, 2, 3, 4]), isGzip: true, .internal),
            HostileMessage(
                "gzip that ends too early", body: body(Array(bomb.prefix(20))), isGzip: true,
                .internal),
        ]
    }
}
