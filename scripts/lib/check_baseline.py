"""Looks that the baseline of the protos holds all that the protos have: `buf breaking` guards nothing
that the baseline lacks.

    buf build --output -#format=json | check_baseline.py BASELINE

Prints each element that is missing, what to run, and exits with 1 when there is any.
"""

import json
import sys


def missing(baseline, current):
    """The elements of the image `current` that the image `baseline` lacks, in the order of `current`."""
    known = set(elements(baseline))
    return [element for element in elements(current) if element not in known]


def elements(image):
    """One line for each file, message, field, enum, value, service and method of an image."""
    for file in image["file"]:
        yield f"file {file['name']}"
        package = file.get("package", "")
        yield from _of_messages(file.get("messageType", []), package)
        yield from _of_enums(file.get("enumType", []), package)
        for service in file.get("service", []):
            name = f"{package}.{service['name']}"
            yield f"service {name}"
            yield from (f"method {name}.{method['name']}" for method in service.get("method", []))


def _of_messages(messages, scope):
    for message in messages:
        name = f"{scope}.{message['name']}"
        yield f"message {name}"
        for field in message.get("field", []):
            yield f"field {name}.{field['name']} = {field['number']}"
        yield from (f"oneof {name}.{oneof['name']}" for oneof in message.get("oneofDecl", []))
        yield from _of_messages(message.get("nestedType", []), name)
        yield from _of_enums(message.get("enumType", []), name)


def _of_enums(enums, scope):
    for enum in enums:
        name = f"{scope}.{enum['name']}"
        yield f"enum {name}"
        for value in enum.get("value", []):
            yield f"value {name}.{value['name']} = {value.get('number', 0)}"


def main(baseline_path):
    with open(baseline_path, encoding="utf-8") as file:
        lacking = missing(json.load(file), json.load(sys.stdin))
    for element in lacking:
        print(f"{baseline_path} lacks {element}")
    if lacking:
        print(f"{len(lacking)} elements are unguarded; run scripts/generate --baseline, and commit it")
        sys.exit(1)
    print("baseline: it holds all that the protos have")


if __name__ == "__main__":
    main(sys.argv[1])
