"""JSON bodies: strict, bounded, and wrong in words that TensorFlow Serving's clients know."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedRequest
from app.json_body import MAX_CONTAINERS, MAX_MEMBERS, MOST_SHOWN, parse_json, parse_object, shown, type_name

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_every_json_value_comes_back(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_malformed(body: bytes) -> None:
    with suppress(MalformedRequest):  # and never another error
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty"),
        (b"instances = [1, 2]", "Invalid value at offset: 0"),
        (b'{"a": }', "Invalid value at offset: 6"),
        (b'{"a": 1} x', "Extra data at offset: 9"),
        (b'{"a": 1, }', "at offset: 9"),
        (b'{"a": 1, "a": 2}', 'the name "a" stands twice in one object'),
        (b'[{"x": {"b": 1, "b": 1}}]', 'the name "b" stands twice'),
        (b"[NaN]", "NaN is no JSON"),
        (b"[-Infinity]", "-Infinity is no JSON"),
        (b"[Infinity]", "Infinity is no JSON"),
        (b'["\xff"]', "Invalid UTF-8 at offset: 2"),
        ('["a"]'.encode("utf-16"), "Invalid UTF-8 at offset: 0"),
        (b"\xef\xbb\xbf[]", "offset: 0"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[]" * (MAX_CONTAINERS + 1), "expected at most 1,200,000 lists and objects"),
        (b'{"":0},' * (MAX_MEMBERS + 1), "expected at most 100,000 members of objects"),
        (b"[1" + b"0" * 5000 + b"]", "too many digits"),
        (b"[01]", "at offset: 2"),
        (b"['a']", "Invalid value at offset: 1"),
    ],
)
def test_what_is_no_json_is_told(body: bytes, message: str) -> None:
    with pytest.raises(MalformedRequest) as told:
        parse_json(body)
    assert str(told.value).startswith("JSON Parse error: ")
    assert message in str(told.value)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null"])
def test_an_object_is_asked_for(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="Is not object"):
        parse_object(body)


def test_values_are_shown_short_and_in_ascii() -> None:
    assert shown("a\ud800\n") == '"a\\ud800\\n"'
    assert len(shown("x" * 10**6)) <= MOST_SHOWN + 3
    assert len(shown(10**1000)) <= MOST_SHOWN + 3
    assert shown([1] * 10**6) == "Array of 1000000"
    assert shown({"a": 1}) == "Object of 1"
    assert (shown(None), shown(True), shown(1.5)) == ("null", "true", "1.5")


def test_types_have_their_json_names() -> None:
    values: list[object] = [None, True, False, 1, 1.5, "a", [], {}]
    names = ["Null", "True", "False", "Number", "Number", "String", "Array", "Object"]
    assert [type_name(value) for value in values] == names
