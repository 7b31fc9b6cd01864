"""Runs named cases and tells each outcome by one line of JSON: {"case", "failure"}."""

import json
import sys
import time
import traceback


class Cases:
    """Functions under the names that the outcomes are told by, in order."""

    def __init__(self):
        self._cases = {}

    def add(self, name, function):
        assert name not in self._cases, f"two cases are named {name}"
        self._cases[name] = function

    def case(self, function):
        """A decorator: the function's name is the case's."""
        self.add(function.__name__, function)
        return function

    def run(self, *arguments, only=()):
        """Runs all, or those named, each with the same arguments."""
        for name, function in self._cases.items():
            if only and name not in only:
                continue
            begin = time.monotonic()
            failure = ""
            try:
                function(*arguments)
            except Exception as error:  # noqa: BLE001: any failure is the case's outcome
                where = traceback.extract_tb(error.__traceback__)[-1]
                failure = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
            milliseconds = round((time.monotonic() - begin) * 1000)
            print(
                json.dumps({"case": name, "failure": failure, "milliseconds": milliseconds}),
                flush=True,
            )
        sys.stdout.flush()


def equal(got, wanted, what=""):
    """Fails unless both are equal."""
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")
