"""Reads KServe's resources into KServe's own models: run by test_schemas.py, with the Python that has them.

Its standard input is a JSON array of resources. It ends with a message where a field is unknown, has a
value of another type, or is missing. The models are generated of the same source as KServe's CRDs. The
parts that are Kubernetes' own are let through: test_schemas.py holds them against Kubernetes' schemas.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import kserve.models

PLAIN: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "float": (int, float),
    "int": int,
    "object": object,
    "str": str,
}


def read(value: Any, kind: str, place: str) -> Any:
    """The value as an instance of the model or of the type that `kind` names."""
    if kind in PLAIN:
        return checked(value, PLAIN[kind], place)
    if found := re.fullmatch(r"list\[(.+)\]", kind):
        items = checked(value, list, place)
        return [read(item, found[1], f"{place}[{index}]") for index, item in enumerate(items)]
    fields = checked(value, dict, place)
    if found := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return {name: read(item, found[1], f"{place}.{name}") for name, item in fields.items()}
    model = getattr(kserve.models, kind, None)
    return fields if model is None else filled(fields, model, place)


def checked(value: Any, kind: type | tuple[type, ...], place: str) -> Any:
    """The value; ends the program where it is of another type."""
    if not isinstance(value, kind):
        sys.exit(f"{place}: expected {kind}, received {value!r}")
    return value


def filled(fields: dict[str, Any], model: Any, place: str) -> Any:
    """An instance of the model, which itself refuses what is missing."""
    names = {key: name for name, key in model.attribute_map.items()}
    if unknown := sorted(fields.keys() - names.keys()):
        sys.exit(f"{place}: no such field: {', '.join(unknown)}; choices: {', '.join(sorted(names))}")
    values = {
        names[key]: read(value, model.openapi_types[names[key]], f"{place}.{key}")
        for key, value in fields.items()
    }
    try:
        return model(**values)
    except ValueError as error:
        sys.exit(f"{place}: {error}")


if __name__ == "__main__":
    for resource in json.load(sys.stdin):
        version = resource["apiVersion"].rpartition("/")[2].capitalize()
        read(resource, f"{version}{resource['kind']}", resource["kind"])
