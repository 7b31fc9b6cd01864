"""Reads Swift source as far as the checks need it: code without comments and text, and imports."""

import re

# An opening quote with its pound signs, or the beginning of a comment.
_OPENING = re.compile(r'(#*)("""|")|//|/\*')
_IMPORT = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*"
    r"(?:(?:public|package|internal|fileprivate|private)[ \t]+)?"
    r"import[ \t]+(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)[ \t]+)?(\w+)",
    re.MULTILINE,
)


def code_only(source):
    """The source with every comment and string literal blanked; line numbers stay the same.

    Code inside an interpolation is blanked too.
    """
    kept = []
    position = 0
    while match := _OPENING.search(source, position):
        kept.append(source[position : match.start()])
        end = _end_of(source, match)
        kept.append(re.sub(r"[^\n]", " ", source[match.start() : end]))
        position = end
    kept.append(source[position:])
    return "".join(kept)


def _end_of(source, opening):
    """Where the comment or the string literal ends that `opening` begins."""
    if opening.group() == "//":
        end = source.find("\n", opening.end())
        return len(source) if end < 0 else end
    if opening.group() == "/*":
        return _end_of_block_comment(source, opening.end())
    pounds, quote = opening.groups()
    skipped = r"\\" + pounds + r"."
    closing = re.compile(f"{skipped}|{quote}{pounds}", re.DOTALL)
    position = opening.end()
    while match := closing.search(source, position):
        position = match.end()
        if match.group().startswith(quote):
            return position
    return len(source)


def _end_of_block_comment(source, position):
    """Block comments nest."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(source, position):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return len(source)


def end_of_block(code, opening, pair="{}"):
    """Where the block ends whose brace, or bracket of another pair, is at `opening`, in code without
    comments and text."""
    depth = 0
    for match in re.compile(f"[{re.escape(pair)}]").finditer(code, opening):
        depth += 1 if match.group() == pair[0] else -1
        if depth == 0:
            return match.end()
    return len(code)


def imports(source):
    """(line, module) for each import declaration."""
    code = code_only(source)
    return [(line_of(code, match.start(1)), match.group(1)) for match in _IMPORT.finditer(code)]


def line_of(text, offset):
    """The line number, from 1, of an offset."""
    return text.count("\n", 0, offset) + 1
