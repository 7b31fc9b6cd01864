"""Prints one value of the JSON document on standard input.

    json_value.py service.id                 a field of a field
    json_value.py services.name=orders.id    in a list, the first object with that field's value

Fields are named as in the protos; JSON's own way to write them (connectionUri) is found too. Text is printed bare, everything else as JSON. Exits with 1, printing nothing, when there is none.
"""

import json
import sys


def select(value, step):
    """The field `step` of an object; or, for `field=text`, the first such object of a list."""
    if isinstance(value, list) and "=" in step:
        field, text = step.split("=", 1)
        return next((item for item in value if field_of(item, field) == text), None)
    return field_of(value, step) if isinstance(value, dict) else None


def field_of(item, name):
    """A field by its name in the protos, whichever way the JSON writes it."""
    first, *rest = name.split("_")
    return item.get(name, item.get(first + "".join(word.capitalize() for word in rest)))


def main():
    value = json.load(sys.stdin)
    for step in sys.argv[1].split("."):
        value = select(value, step)
    if value is None:
        sys.exit(1)
    print(value if isinstance(value, str) else json.dumps(value))


main()
