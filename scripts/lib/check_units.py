"""Checks the units for systemd: that systemd takes each line of them, where it is installed, and that
what the programs need is not walled off. Usage: check_units.py ROOT"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# The folders that a program writes to beside its state folder, under ProtectSystem=strict. Without
# Docker's volumes the agent cannot exchange those that are initialised ahead (EROFS).
WRITABLE = {"berth-agent.service": {"/run", "/var/lib/docker/volumes"}}


def settings(text):
    """The settings of a unit, in order: lists of section, name and value."""
    section, found = None, []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            found.append((section, name.strip(), value.strip()))
    return found


def walled_off(name, text):
    """What a unit keeps its program from writing to, though it must."""
    service = [(key, value) for section, key, value in settings(text) if section == "Service"]
    if ("ProtectSystem", "strict") not in service:
        return set()
    allowed = set()
    for key, value in service:
        if key == "ReadWritePaths":
            allowed |= {path.lstrip("-+") for path in value.split()}
    return {
        path
        for path in WRITABLE.get(name, set())
        if not any(path == a or path.startswith(a.rstrip("/") + "/") for a in allowed)
    }


def refused_by_systemd(files):
    """What systemd-analyze says of units; nothing where it is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        print("systemd is not installed here: the units are not read by it")
        return ""
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for file in files:
            # The programs need not be installed to check how they are started.
            text = re.sub(r"/usr/local/bin/[a-z-]+", "/bin/true", file.read_text(encoding="utf-8"))
            copies.append(pathlib.Path(folder) / file.name)
            copies[-1].write_text(text, encoding="utf-8")
        done = subprocess.run(
            [program, "verify", *map(str, copies)], capture_output=True, text=True, check=False
        )
    # Of units that ours are ordered after, and that are not here, it says nothing.
    return done.stdout + done.stderr if done.returncode or done.stderr else ""


def check(root):
    files = sorted((pathlib.Path(root) / "scripts/systemd").glob("*.service"))
    violations = [
        f"{file.name}: its program must write to {path}, which ReadWritePaths does not name"
        for file in files
        for path in sorted(walled_off(file.name, file.read_text(encoding="utf-8")))
    ]
    missing = set(WRITABLE) - {file.name for file in files}
    violations += [f"{name} is not there" for name in sorted(missing)]
    said = refused_by_systemd(files)
    return violations + ([said] if said else [])


if __name__ == "__main__":
    found = check(sys.argv[1])
    print("\n".join(found))
    sys.exit(1 if found else 0)
