"""Makes a pgbench script of what Berth sent to PostgreSQL for CreateDatabaseService.

usage: pgbench_script.py POSTGRES_LOG WORKSPACES SCRIPT >VARIABLES

Reads the log of a few calls under log_statement = all, made in as many workspaces of seed.sql, and
writes SCRIPT with the last call's statements: those before BEGIN in one pipeline, BEGIN to COMMIT and
the notification behind it in another, as Berth sends them. Prints the arguments that give pgbench the constants, each ended by a
NUL. What differed from call to call becomes an expression:

  the number of a workspace, in an id or in a token's digest    from :workspace
  a new id                                                      from :id_N, one for each
  a name and other text                                         from :unique
  other bytes, times                                            the last call's
"""

import hashlib
import pathlib
import re
import sys

# A line of the log's main part, up to the next that begins with the prefix.
ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \S+ \S+ \[(\d+)\][^\n]*? (LOG|DETAIL):  ", re.MULTILINE)
EXECUTE = re.compile(r"execute (\S+): (.*)", re.DOTALL)
PARAMETER = re.compile(r"\$(\d+) = (?:NULL|'((?:[^']|'')*)')")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d")


def statements(log):
    """Every statement that was executed: its process, name, SQL and values."""
    found = []
    begins = list(ENTRY.finditer(log))
    for entry, following in zip(begins, begins[1:] + [None]):
        text = log[entry.end() : following.start() if following else None].strip()
        text = text.replace("\n\t", "\n")
        if entry[2] == "LOG" and (execute := EXECUTE.fullmatch(text)):
            found.append((entry[1], execute[1], execute[2], []))
        elif entry[2] == "DETAIL" and text.startswith("parameters: ") and found:
            found[-1][3].extend(
                value.replace("''", "'") if whole.count("'") else None
                for whole, value in ((m[0], m[2] or "") for m in PARAMETER.finditer(text))
            )
    return found


def calls(found):
    """The statements of each whole call: those up to COMMIT, and the notification behind it."""
    whole, current, committed = [], {}, {}
    for process, name, sql, values in found:
        if "pg_notify(" in sql and process in committed:
            committed.pop(process).append((name, sql, values))
            continue
        committed.pop(process, None)
        call = current.setdefault(process, [])
        call.append((name, sql, values))
        if sql == "COMMIT":
            committed[process] = call
            whole.append(current.pop(process))
    # The first calls differ: they prepare, or begin in the middle.
    last = whole[-1]
    return [call for call in whole if [s[1] for s in call] == [s[1] for s in last]][-8:]


class Expressions:
    """Turns values into what pgbench sends in their place."""

    def __init__(self, workspaces):
        self.constants = {}
        self.new_ids = {}
        self.digests = {
            "\\x" + hashlib.sha256(f"berth_{w:042}A".encode()).hexdigest()
            for w in range(1, workspaces + 1)
        }

    def of(self, value, differs):
        if value is None:
            return "NULL"
        if not differs or TIME.fullmatch(value):
            return self.constant(value)
        if UUID.fullmatch(value):
            if value.startswith("00000000-"):
                return "lpad(:workspace, 32, '0')::uuid"
            number = self.new_ids.setdefault(value, len(self.new_ids))
            return f"lpad(:id_{number}, 32, '0')::uuid"
        if value in self.digests:
            return "lpad(:workspace, 32, '0')::bytea"
        if value.startswith("\\x"):
            return self.constant(value)
        return "'s' || :unique"

    def constant(self, value):
        # pgbench takes no variable without a value.
        if value == "":
            return "''"
        return ":" + self.constants.setdefault(value, f"constant_{len(self.constants)}")


def script(sample, expressions):
    """The script's lines."""
    last = sample[-1]
    lines = []
    for index, (_, sql, values) in enumerate(last):
        if sql.startswith("BEGIN") and lines:
            lines += ["\\endpipeline", "\\startpipeline"]
        columns = zip(*(call[index][2] for call in sample))
        texts = [expressions.of(v, len(set(c)) > 1) for v, c in zip(values, columns)]
        lines.append(re.sub(r"\$(\d+)", lambda m: texts[int(m[1]) - 1], sql) + ";")
    ids = [f"\\set id_{n} :unique * 10 + {n}" for n in range(len(expressions.new_ids))]
    return [
        "\\set call :call + 1",
        "\\set workspace (:call * :clients + :client_id) % :workspaces + 1",
        "\\set unique :call * 100 + :client_id",
        *ids,
        "\\startpipeline",
        *lines,
        "\\endpipeline",
    ]


def main():
    log, workspaces, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sample = calls(statements(pathlib.Path(log).read_text(encoding="utf-8")))
    if len(sample) < 2 or not 0 < len(sample[-1]) <= 40:
        sys.exit(f"{log} does not hold the statements of two calls")
    expressions = Expressions(workspaces)
    lines = script(sample, expressions)
    if len(expressions.new_ids) > 10:
        sys.exit("more than ten new ids a call: :unique * 10 would not keep them apart")
    pathlib.Path(target).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for value, name in expressions.constants.items():
        sys.stdout.write(f"--define={name}={value}\0")


if __name__ == "__main__":
    main()
