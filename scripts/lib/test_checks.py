"""Proves that the checks refuse what they should, on trees of files with one violation each."""

import pathlib
import re
import shutil
import tempfile
import unittest

import check_baseline
import check_conformance
import check_constructs
import check_imports
import check_units
import swift_source


def _target(name, dependencies, kind="regular", path=None):
    declared = {"name": name, "type": kind, "dependencies": [{"byName": [d, None]} for d in dependencies]}
    return declared | ({"path": path} if path else {})


MANIFEST = {
    "targets": [
        _target("COpenSSL", [], kind="system"),
        _target("SQL", []),
        _target("RPC", ["COpenSSL"]),
        _target("Cryptography", ["COpenSSL"]),
        _target("Services", ["Domain", "SQL", "RPC", "BerthMessages", "Config"]),
        _target("Config", ["Domain", "SQL", "RPC"]),
        _target("Gateway", ["SQL"]),
        _target("ControlPlane", ["Domain", "SQL", "RPC", "Services", "Config"]),
        _target("TestSupport", ["SQL", "COpenSSL"], path="Tests/TestSupport"),
        _target("ServicesTests", ["Services", "SQL"], kind="test"),
    ]
}


class Tree(unittest.TestCase):
    """Writes files into a folder that goes away with the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")


class ImportsTest(Tree):
    def found(self, path, text):
        self.write(path, text)
        return [v for v in check_imports.check(MANIFEST, self.root) if not v.startswith("Package")]

    def assert_refused(self, path, text, reason):
        self.assertIn(reason, "\n".join(self.found(path, text)))

    def assert_allowed(self, path, text):
        self.assertEqual(self.found(path, text), [])

    def test_an_undeclared_import_is_refused_in_every_spelling(self):
        for spelling in (
            "import Logging",
            "public import Logging",
            "@testable import Logging",
            "@_exported public import struct Logging.Logger",
            "#if os(Linux)\n    import Logging\n#endif",
        ):
            with self.subTest(spelling):
                self.assert_refused("Sources/SQL/A.swift", spelling, "SQL does not declare Logging")

    def test_the_line_is_named(self):
        self.assert_refused("Sources/SQL/A.swift", "// x\n\nimport RPC\n", "Sources/SQL/A.swift:3:")

    def test_foundation_is_for_tests(self):
        self.assert_allowed("Tests/ServicesTests/A.swift", "import Foundation\nimport Testing\n")
        self.assert_refused("Sources/SQL/A.swift", "import Foundation", "does not declare Foundation")

    def test_a_c_library_is_for_its_wrapper(self):
        self.assert_allowed("Sources/Cryptography/A.swift", "import COpenSSL")
        self.assert_refused("Sources/RPC/A.swift", "import COpenSSL", "only Cryptography, TLS")

    def test_sql_is_for_stores(self):
        self.assert_allowed("Sources/Services/PostgresServiceStore.swift", "import SQL")
        self.assert_allowed("Sources/Services/PostgresServiceStore+Pages.swift", "import SQL")
        self.assert_allowed("Sources/ControlPlane/Migrator.swift", "import SQL")
        self.assert_allowed("Tests/TestSupport/Schema.swift", "import SQL")
        self.assert_refused("Sources/Gateway/A.swift", "import SQL", "only Postgres*Store.swift")
        self.assert_refused("Sources/Services/CreateDatabase.swift", "import SQL", "in a module only")

    def test_messages_and_rpc_are_for_handlers(self):
        self.assert_allowed("Sources/Services/ServiceHandler.swift", "import BerthMessages\nimport RPC")
        self.assert_allowed("Sources/Services/ServiceHandler+Messages.swift", "import BerthMessages")
        self.assert_allowed("Sources/Services/ServicesModule.swift", "import RPC")
        self.assert_refused("Sources/Services/Ports.swift", "import BerthMessages", "in a module only")

    def test_a_module_never_imports_another(self):
        self.assert_allowed("Sources/ControlPlane/A.swift", "import Services\nimport Config")
        self.assert_refused("Sources/Services/A.swift", "import Config", "never imports another module")

    def test_the_manifest_itself_is_checked(self):
        found = check_imports.check(MANIFEST, self.root)
        self.assertIn("Package.swift: RPC may not depend on COpenSSL", found)
        self.assertIn("Package.swift: the module Services depends on Config", found)
        self.assertEqual(len(found), 2)

    def test_an_import_in_a_comment_or_text_is_none(self):
        text = '/* /* */\nimport RPC\n*/\n// import RPC\nlet a = """\nimport RPC\n"""\n'
        self.assert_allowed("Sources/SQL/A.swift", text)


class ConstructsTest(Tree):
    def found(self, path, text):
        self.write(path, text)
        return check_constructs.check(self.root)

    def test_each_forbidden_construct_is_refused(self):
        for code in (
            "Task { }",
            "Task(priority: .high) { }",
            "Task<Void, Never> { }",
            "Task.detached { }",
            "try await Task.sleep(for: .seconds(1))",
            "try await Task<Never, Never>.sleep(for: .seconds(1))",
            "let a = try! b()",
            "let a = b as! C",
            "fatalError()",
            "final class A: @unchecked Sendable {}",
            "run { [self] in await b() }",
            "run { [weak self] (c: Int) async throws -> Void in c() }",
            "run { [a, weak b] c in if c { try await a.d() } }",
            "run { [a] in Task.immediate { await b() }; await c() }",
            "let a = b!",
            "let a = b!.c",
            "let a = b[0]! + c",
            "let a = b()!",
            "let a = b { 1 }!",
            "run(a!, b)",
            "a!(1)",
            "a! += 1",
            "var a: Int!",
            "var a: [B<C>]!",
        ):
            with self.subTest(code):
                found = self.found("Sources/RPC/A.swift", f"// why\n{code}\n")
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith("Sources/RPC/A.swift:2: "), found)

    def test_what_only_looks_like_one_is_allowed(self):
        for code in (
            "Task.immediate(executorPreference: loop.executor) { }",
            'let a = "Task { }"',
            'let a = #"\\" try! "#',
            "// fatalError() would trap",
            "struct DeploymentTask {}",
            "run { [weak self] in self?.b() }; await c()",
            "run { [a] in Task.immediate(executorPreference: b.executor) { await a() } }",
            "var a: [Int] { [1, 2] }",
            "run { await b() }",
            "if !a, b != c, (!d), d!=e { }",
            "let a = [!b]",
            "return !a",
            "#if !os(Linux)\n#endif",
            "let a: (Bool) -> Bool = (!)",
        ):
            with self.subTest(code):
                self.assertEqual(self.found("Sources/RPC/A.swift", code + "\n"), [])

    def test_event_loops_is_made_of_tasks_and_may_vouch_for_sendable(self):
        code = "final class A: @unchecked Sendable { func b() { Task {} } }\n"
        self.assertEqual(self.found("Sources/EventLoops/A.swift", code), [])

    def test_tests_that_may_not_run_are_refused(self):
        for code in ('@Test(.disabled("x"))', "@Test(.enabled(if: false))", "withKnownIssue {}"):
            with self.subTest(code):
                self.assertEqual(len(self.found("Tests/RPCTests/A.swift", code + "\n")), 1)

    def test_long_files_unfinished_work_and_empty_names_are_refused(self):
        self.assertEqual(self.found("Sources/RPC/A.swift", "\n" * 500), [])
        self.assertEqual(len(self.found("Sources/RPC/A.swift", "\n" * 501)), 1)
        self.assertEqual(len(self.found("Sources/RPC/A.swift", "// TO" + "DO: later\n")), 1)
        self.assertEqual(self.found("Sources/RPC/A.swift", ""), [])
        self.assertEqual(len(self.found("Sources/RPC/PoolManager.swift", "")), 1)

    def test_a_function_that_fits_no_screen_is_refused(self):
        for head in ("func a()", "func a<B: C>(_ b: (B) -> Int = { _ in 1 }) async throws -> [B]",
                     "init?(a: Int) throws(B)", "subscript(a: Int) -> Int", "deinit",
                     "static func == (a: B, c: B) -> Bool",
                     "func a(\n    b: Int\n) -> C where C: D"):
            with self.subTest(head):
                own = head.count("\n")
                fits = f"// why\n{head} {{\n" + "a()\n" * (68 - own) + "}\n"
                self.assertEqual(self.found("Sources/RPC/A.swift", fits), [])
                for folder in ("Sources/RPC", "Tests/RPCTests"):
                    found = self.found(f"{folder}/A.swift", fits.replace("{\na()", "{\n\na()", 1))
                    self.assertEqual(len(found), 1, found)
                    self.assertTrue(found[0].startswith(f"{folder}/A.swift:2: a function of 71"), found)
                    (self.root / folder / "A.swift").unlink()

    def test_a_requirement_and_a_call_are_no_functions(self):
        long = "{\n" + "var a: Int { 1 }\n" * 80 + "}\n"
        for code in ("protocol A {\n    func a()\n    init(a: Int)\n}\nstruct B " + long,
                     "protocol A {\n    func a() -> Int\n\n    var b: Int { get }\n}\nstruct B " + long,
                     "let a = B.init(a: 1)\nstruct B " + long):
            with self.subTest(code[:40]):
                self.assertEqual(self.found("Sources/RPC/A.swift", code), [])

    def test_generated_files_are_left_alone(self):
        self.assertEqual(self.found("Sources/RPC/Generated/A.swift", "try! a()\n" * 600), [])


class SwiftSourceTest(unittest.TestCase):
    def test_lines_stay_where_they_were(self):
        source = 'a\n"""\n \\""" try!\n"""\n/* b\n*/ c\n'
        code = swift_source.code_only(source)
        self.assertEqual(code.count("\n"), source.count("\n"))
        self.assertEqual(code.split(), ["a", "c"])

    def test_escapes_and_pound_signs_do_not_end_a_text(self):
        self.assertEqual(swift_source.code_only(r'"a\"b" c').split(), ["c"])
        self.assertEqual(swift_source.code_only(r'#"a"b\#"c"# d').split(), ["d"])


class ConformanceTest(unittest.TestCase):
    """Tests that the table of gRPC's rules names."""

    def missing(self, cell):
        tests = {"Tests/A/OneTests.swift": 'func f() // "goes both ways, always"',
                 "Tests/A/two.py": "def flood"}
        return len(check_conformance.missing(f"| rule | {cell} |", tests))

    def test_what_is_there(self):
        self.assertEqual(self.missing('`OneTests.swift` "goes both ways" (4); `A/two.py` "flood"'), 0)
        self.assertEqual(self.missing('"goes both …"'), 0)

    def test_what_is_not(self):
        self.assertEqual(self.missing('`OneTests.swift` "flood"'), 1)
        self.assertEqual(self.missing('`eTests.swift`'), 1)
        self.assertEqual(self.missing('"nothing of the kind"'), 1)


class BaselineTest(unittest.TestCase):
    """What the baseline of the protos must hold."""

    def image(self):
        colour = {"name": "Colour", "value": [{"name": "COLOUR_RED", "number": 0}]}
        inner = {"name": "Inner", "field": [{"name": "deep", "number": 1}]}
        message = {
            "name": "Box", "field": [{"name": "size", "number": 1}], "oneofDecl": [{"name": "kind"}],
            "nestedType": [inner], "enumType": [dict(colour, name="Inside")],
        }
        service = {"name": "Boxes", "method": [{"name": "GetBox"}]}
        return {
            "file": [
                {"name": "a.proto", "package": "p", "messageType": [message], "enumType": [colour],
                 "service": [service]}
            ]
        }

    def test_what_it_holds_is_not_missing(self):
        self.assertEqual(check_baseline.missing(self.image(), self.image()), [])

    def test_what_only_it_holds_is_for_buf_to_refuse(self):
        self.assertEqual(check_baseline.missing(self.image(), {"file": []}), [])

    def test_each_kind_of_element_that_it_lacks_is_named(self):
        file = lambda image: image["file"][0]
        message = lambda image: file(image)["messageType"][0]
        for holder, key, name in (
            (lambda image: image, "file", "file a.proto"),
            (file, "messageType", "message p.Box"),
            (message, "field", "field p.Box.size = 1"),
            (message, "oneofDecl", "oneof p.Box.kind"),
            (message, "nestedType", "message p.Box.Inner"),
            (lambda image: message(image)["nestedType"][0], "field", "field p.Box.Inner.deep = 1"),
            (message, "enumType", "enum p.Box.Inside"),
            (file, "enumType", "enum p.Colour"),
            (lambda image: file(image)["enumType"][0], "value", "value p.Colour.COLOUR_RED = 0"),
            (file, "service", "service p.Boxes"),
            (lambda image: file(image)["service"][0], "method", "method p.Boxes.GetBox"),
        ):
            with self.subTest(name):
                baseline = self.image()
                holder(baseline)[key] = []
                self.assertEqual(check_baseline.missing(baseline, self.image())[0], name)

    def test_a_field_under_another_number_is_another(self):
        baseline = self.image()
        baseline["file"][0]["messageType"][0]["field"][0]["number"] = 2
        self.assertEqual(check_baseline.missing(baseline, self.image()), ["field p.Box.size = 1"])


class RequirementsTest(unittest.TestCase):
    """The Python tools as they are named, and as they are installed."""

    def pins(self, file):
        text = (pathlib.Path(__file__).parents[1] / file).read_text(encoding="utf-8")
        pinned = re.findall(r"^([\w-]+)==([\w.]+)", text, re.MULTILINE)
        return text, {(name.replace("_", "-"), version) for name, version in pinned}

    def test_what_is_named_is_what_is_installed(self):
        _, named = self.pins("requirements.in")
        text, installed = self.pins("requirements.txt")
        self.assertEqual(named, installed)
        for requirement in re.split(r"\n(?=\w)", text.strip()):
            self.assertIn("--hash=sha256:", requirement)
class UnitsTest(Tree):
    def found(self, setting, extra=""):
        self.write(
            "scripts/systemd/berth-agent.service",
            f"[Service]\nExecStart=/usr/local/bin/berth-agent run\nProtectSystem=strict\n{setting}\n{extra}",
        )
        return "\n".join(check_units.check(self.root))

    def test_a_unit_that_walls_off_what_its_program_writes_is_refused(self):
        self.assertIn("/var/lib/docker/volumes", self.found("ReadWritePaths=/run"))
        self.assertIn("/var/lib/docker/volumes", self.found("# ReadWritePaths=/run /var/lib/docker"))
        self.assertEqual(self.found("ReadWritePaths=/run -/var/lib/docker/volumes"), "")
        self.assertEqual(self.found("ReadWritePaths=/run \\\n    /var/lib/docker"), "")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_a_setting_that_systemd_does_not_know_is_refused(self):
        allowed = "ReadWritePaths=/run /var/lib/docker"
        self.assertIn("ProtectSytem", self.found(allowed, "ProtectSytem=strict\n"))


if __name__ == "__main__":
    unittest.main()
