"""Refuses what the house does without: see the table below and the limits.

    check_constructs.py ROOT

Prints each violation as FILE:LINE: REASON and exits with 1 when there is any. Comments and text are
not code; generated files are not ours.
"""

import pathlib
import re
import sys

import swift_source

LINES_MAX = 500
# From the word `func` or `init` to the closing brace.
FUNCTION_LINES_MAX = 70

# In Sources: what traps.
IN_SOURCES = [
    (r"\btry\s*!", "try! traps"),
    (r"\bas\s*!", "as! traps"),
    (r"\bfatalError\s*\(", "fatalError traps"),
]
# In Sources: an exclamation mark behind a value or a type, which is neither `!=` nor a `try!`.
FORCED = re.compile(r"(?<=[\w)\]}>])(?<!\btry)(?<!\bas)!(?!=)")
# A function's head, as far as its parameters; a call of an initializer has a point before it.
FUNCTION = re.compile(r"(?<![.\w])(?:func\s+[^\s(<]+|init[?!]?|subscript)\s*(?=[(<])|\bdeinit\b")
# What may stand between a function's parameters and its body. A requirement of a protocol has no
# body: what follows it is another declaration, or the protocol's end.
SIGNATURE = re.compile(r"[^{}]*")
DECLARATION = re.compile(r"\b(?:func|init|var|let|static|subscript|associatedtype|case|struct|enum|"
                         r"class|actor|protocol|extension|typealias|public|private|deinit)\b")
# In Sources but EventLoops, which is made of them: what leaves the loop.
IN_SOURCES_BUT_EVENT_LOOPS = [
    (r"\bTask\s*(?:<[^>]*>\s*)?(?:\([^)]*\)\s*)?\{", "a plain Task leaves its loop: use Task.immediate"),
    (r"\bTask\s*\.\s*detached\b", "Task.detached leaves its loop"),
    (r"\bTask\s*(?:<[^>]*>\s*)?\.\s*sleep\b", "Task.sleep wakes elsewhere: use the loop's timers"),
    (r"@unchecked\s+Sendable\b", "@unchecked Sendable outside EventLoops"),
]
# In Sources: a closure that names what it captures.
CAPTURING = re.compile(r"\{\s*\[[^\]{}]*\]")
# A task's own closure has an isolation of its own.
TASK = re.compile(r"\bTask\s*\.\s*immediate\s*(?:\([^)]*\))?\s*\{")
# In Tests: what lets a test not run.
IN_TESTS = [
    (r"\.disabled\s*\(", "a disabled test"),
    (r"\.enabled\s*\(\s*if\b", "a test that may not run"),
    (r"\bXCTSkip\b", "a skipped test"),
    (r"\bwithKnownIssue\b", "a test whose failure is accepted"),
]
# Anywhere, in comments too.
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
EMPTY_NAMES = re.compile(r"(?:Manager|Helpers?|Utils?|Utilities|Common|Misc)(?:\+\w+)?\.swift$")


def check(root):
    """All violations, as lines of text."""
    found = []
    for folder in ("Sources", "Tests"):
        for file in sorted((root / folder).rglob("*.swift")):
            path = file.relative_to(root)
            if "Generated" in path.parts:
                continue
            source = file.read_text(encoding="utf-8")
            found += [f"{path}:{line}: {reason}" for line, reason in _violations(path, source)]
    return found


def _violations(path, source):
    """(line, reason) for each violation in one file."""
    rules = IN_TESTS
    if path.parts[0] == "Sources":
        rules = list(IN_SOURCES)
        if path.parts[1] != "EventLoops":
            rules += IN_SOURCES_BUT_EVENT_LOOPS
    code = swift_source.code_only(source)
    for pattern, reason in rules:
        for match in re.finditer(pattern, code):
            yield swift_source.line_of(code, match.start()), reason
    for offset, length in _functions(code):
        if length > FUNCTION_LINES_MAX:
            yield (
                swift_source.line_of(code, offset),
                f"a function of {length} lines, more than {FUNCTION_LINES_MAX}: split it",
            )
    if path.parts[0] == "Sources":
        for match in FORCED.finditer(code):
            yield swift_source.line_of(code, match.start()), "a force unwrap traps"
        for offset in _async_closures_that_capture(code):
            yield (
                swift_source.line_of(code, offset),
                "an async closure with a capture list runs off its caller's loop",
            )
    for match in UNFINISHED.finditer(source):
        yield swift_source.line_of(source, match.start()), f"unfinished: {match.group()}"
    if EMPTY_NAMES.search(path.name):
        yield 1, "a name that says nothing"
    lines = source.count("\n")
    if lines > LINES_MAX:
        yield lines, f"{lines} lines are more than {LINES_MAX}: split the file"


def _functions(code):
    """(offset, lines) of each function that has a body."""
    for match in FUNCTION.finditer(code):
        end = match.end()
        if code.startswith("<", end):
            end = code.find("(", end)
        if match.group() != "deinit":
            end = swift_source.end_of_block(code, end, "()")
        signature = SIGNATURE.match(code, end)
        if DECLARATION.search(signature.group()) or not code.startswith("{", signature.end()):
            continue
        end = swift_source.end_of_block(code, signature.end())
        yield match.start(), code.count("\n", match.start(), end) + 1


def _async_closures_that_capture(code):
    """Where closures begin that have a capture list, and wait or may."""
    for match in CAPTURING.finditer(code):
        body = code[match.end() : swift_source.end_of_block(code, match.start())]
        # Up to its `in` stands its signature; an array literal in braces has none.
        signature = re.match(r"[^{}]*?\bin\b", body)
        if not signature:
            continue
        while task := TASK.search(body):
            body = body[: task.start()] + body[swift_source.end_of_block(body, task.end() - 1) :]
        if re.search(r"\basync\b", signature.group()) or re.search(r"\bawait\b", body):
            yield match.start()


if __name__ == "__main__":
    violations = check(pathlib.Path(sys.argv[1]))
    print("\n".join(violations) if violations else "constructs: nothing that the house does without")
    sys.exit(1 if violations else 0)
