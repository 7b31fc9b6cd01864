"""Looks that the tests which docs/architecture/grpc-conformance.md names are there.

    check_conformance.py FOLDER

In a cell of a table, a file in backquotes and the words in quotes behind it: the words must stand in
that file. Words without a file before them, and cut off by an ellipsis, must stand in some test.
"""

import pathlib
import re
import sys

PROOF = re.compile(r"`([\w+/]+\.(?:swift|py))`|\"([^\"]+)\"")


def missing(document, tests):
    """The names in `document` that `tests`, texts by path, do not hold."""
    problems = []
    for number, line in enumerate(document.splitlines(), 1):
        for cell in line.split("|") if line.startswith("|") else []:
            texts = tests
            for file, words in PROOF.findall(cell):
                if file:
                    texts = {path: text for path, text in tests.items()
                             if f"/{path}".endswith(f"/{file}")}
                    if not texts:
                        problems.append(f"{number}: no file {file}")
                elif not any(words.removesuffix(" …") in text for text in texts.values()):
                    problems.append(f'{number}: "{words}" is in none of {", ".join(texts)[:200]}')
    return problems


def main(folder):
    root = pathlib.Path(folder)
    tests = {str(path.relative_to(root)): path.read_text()
             for path in sorted((root / "Tests").rglob("*")) if path.suffix in (".swift", ".py")}
    document = root / "docs/architecture/grpc-conformance.md"
    problems = missing(document.read_text(), tests)
    for problem in problems:
        print(f"{document}:{problem}")
    if problems:
        sys.exit(1)
    print("conformance: every test that is named is there")


if __name__ == "__main__":
    main(sys.argv[1])
