"""Proves that a Swift toolchain is installed only when the pinned key signed it: archives of a few bytes,
signed by keys made for the test, from a server on this machine."""

import functools
import http.server
import os
import pathlib
import subprocess
import tarfile
import tempfile
import threading
import unittest

LIBRARY = pathlib.Path(__file__).parent
VERSION = "6.3.1"
NAME = f"swift-{VERSION}-RELEASE-debian12"
# Where swift.org has the archive, below its downloads.
FOLDER = f"swift-{VERSION}-release/debian12/swift-{VERSION}-RELEASE"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Key:
    """A signing key in a keyring of its own."""

    def __init__(self, folder, name):
        self.home = folder / name
        self.home.mkdir(mode=0o700)
        self.gpg("--quick-generate-key", f"{name} <{name}@example.org>", "ed25519", "sign", "never")
        listing = self.gpg("--list-keys", "--with-colons")
        self.fingerprint = next(
            line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")
        )

    def gpg(self, *arguments):
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--passphrase", ""]
        finished = subprocess.run(command + list(arguments), capture_output=True, text=True, timeout=300)
        if finished.returncode != 0:
            raise AssertionError(finished.stderr)
        return finished.stdout

    def sign(self, path, signature):
        self.gpg("--local-user", self.fingerprint, "--output", str(signature), "--detach-sign", str(path))

    def export(self):
        return self.gpg("--armor", "--export")

    def forget(self):
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], capture_output=True)


class SwiftToolchainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="berth-swift-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.release = Key(cls.folder, "release")
        cls.addClassCleanup(cls.release.forget)
        cls.stranger = Key(cls.folder, "stranger")
        cls.addClassCleanup(cls.stranger.forget)
        cls.site = cls.folder / "site"
        (cls.site / FOLDER).mkdir(parents=True)
        # Whoever can change the archive can change the list of keys beside it.
        (cls.site / "keys.asc").write_text(cls.release.export() + cls.stranger.export())
        handler = functools.partial(Quiet, directory=str(cls.site))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.address = f"http://127.0.0.1:{server.server_address[1]}"

    def setUp(self):
        self.archive = self.site / FOLDER / f"{NAME}.tar.gz"
        self.signature = self.archive.with_name(f"{NAME}.tar.gz.sig")
        for path in (self.archive, self.signature):
            path.unlink(missing_ok=True)
        self.pack("the true one")

    def pack(self, content):
        program = self.folder / "swift"
        program.write_text(content)
        with tarfile.open(self.archive, "w:gz") as archive:
            archive.add(program, f"{NAME}/usr/bin/swift")

    def install(self):
        """(whether it was installed, what was said): by a state folder of its own."""
        state = tempfile.TemporaryDirectory(prefix="state-", dir=self.folder)
        self.addCleanup(state.cleanup)
        script = (
            'set -euo pipefail; state="$1"; source "$2/swift_toolchain.sh"; swift_key="$3"; '
            "install_swift debian12"
        )
        finished = subprocess.run(
            ["bash", "-c", script, "_", state.name, str(LIBRARY), self.release.fingerprint],
            env=os.environ | {"BERTH_SWIFT_DOWNLOADS": self.address,
                              "BERTH_SWIFT_KEYS_ADDRESS": f"{self.address}/keys.asc"},
            capture_output=True, text=True, timeout=300,
        )
        installed = pathlib.Path(state.name, f"swift-{VERSION}/usr/bin/swift")
        self.assertEqual(installed.exists(), finished.returncode == 0)
        # What was downloaded does not stay.
        self.assertEqual([path.name for path in pathlib.Path(state.name).glob("swift-download*")], [])
        if finished.returncode == 0:
            self.assertEqual(installed.read_text(), "the true one")
        return finished.returncode == 0, finished.stdout + finished.stderr

    def test_what_the_pinned_key_signed_is_installed(self):
        self.release.sign(self.archive, self.signature)
        self.assertEqual(self.install()[0], True)

    def test_what_another_key_signed_is_refused_even_when_the_list_of_keys_has_it(self):
        self.stranger.sign(self.archive, self.signature)
        installed, said = self.install()
        self.assertFalse(installed)
        self.assertIn("is not signed by Swift's release key", said)

    def test_an_archive_that_was_changed_after_it_was_signed_is_refused(self):
        self.release.sign(self.archive, self.signature)
        self.pack("another one")
        self.assertFalse(self.install()[0])

    def test_an_archive_without_a_signature_is_refused(self):
        self.assertFalse(self.install()[0])


if __name__ == "__main__":
    unittest.main()
