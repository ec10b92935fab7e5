"""What is made of the texts and numbers in a row, whoever wrote them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from deep_predictor.db.stored_values import (
    MAX_LITERAL_DEPTH,
    MAX_LITERAL_TOKENS,
    read_int,
    read_items,
    read_number,
    read_object,
    read_text,
)

ITEMS = [{"class_index": 6, "class_name": "soup", "confidence": 0.97628}]
BOXES = [{"bbox": {"cx": 0.5, "cy": 0.25, "w": 0.125, "h": 1e-05}, "class_name": "traffic light", "confidence": 1.0}]


@pytest.mark.parametrize("items", [ITEMS, BOXES, ITEMS + BOXES, []])
@pytest.mark.parametrize("write", [json.dumps, str], ids=["json", "literal"])
@pytest.mark.parametrize("wrap", [list, lambda items: {"predictions": items, "method": "x"}], ids=["list", "dict"])
def test_items_as_any_version_wrote_them_are_read(items: list[dict[str, Any]], write: Any, wrap: Any) -> None:
    assert read_items(write(wrap(items))) == items


@pytest.mark.parametrize(
    "name", ["it's", 'say "x"', 'it\'s "x"', "日本", "a\\b", "a\nb\tc", "\x00\x1b\u2028", "\ud800", "None", "[{("]
)
@pytest.mark.parametrize("write", [json.dumps, str, ascii], ids=["json", "literal", "ascii"])
def test_names_with_any_characters_come_back_unchanged(name: str, write: Any) -> None:
    assert read_items(write([{"class_name": name}])) == [{"class_name": name}]


def test_literal_with_tuples_and_constants_is_read_as_json_says_it() -> None:
    assert read_object("{'a': (1, -2.5), 'b': None, 'c': True, 3: False}") == {
        "a": [1, -2.5],
        "b": None,
        "c": True,
        "3": False,
    }


HOSTILE = {
    "call": "__import__('os').system('true')",
    "call inside": "[{'a': print(1)}]",
    "name": "[x]",
    "attribute": "[{'a': ().__class__}]",
    "comprehension": "[{'a': i} for i in (1, 2)]",
    "f-string": "[{'a': f'{1}'}]",
    "bytes": "[{'a': b'x'}]",
    "power": "[{'a': 9**9**9}]",
    "sum": "[{'a': 1" + "+1" * 50_000 + "}]",
    "signs": "[" + "-" * 100_000 + "1]",
    "not": "[" + "not " * 100_000 + "1]",
    "set": "[{'a': {1, 2}}]",
    "unhashable": "[{'a': {[]: 1}}]",
    "tuple key": "[{'a': {(1, 2): 1}}]",
    "deep list": "[" * 100_000 + "]" * 100_000,
    "deep list with a quote": "['a', " * 100_000 + "]" * 100_000,
    "deep dict": "{'a':" * 5_000 + "1" + "}" * 5_000,
    "just too deep": "['']" if MAX_LITERAL_DEPTH < 1 else "[" * MAX_LITERAL_DEPTH + "['']" + "]" * MAX_LITERAL_DEPTH,
    "unclosed": "[{'a': 1}",
    "closed only": "]" * 1000,
    "many tokens": "['a'," + "1," * MAX_LITERAL_TOKENS + "]",
    "long text": "['" + "a" * 3_000_000 + "']",
    "long number": "['a', " + "9" * 10_000 + "]",
    "not a number": "[{'a': nan}]",
    "infinite": "[{'a': 1e999}]",
    "json not a number": '[{"a": NaN}]',
    "json infinite": '[{"a": 1e999}]',
    "json deep": "[" * 100_000,
    "invalid escape": r"[{'a': '\d'}]",
    "unterminated": "[{'a': 'x}]",
    "backslashes": "['" + "\\" * 99_999,
    "array": "[{'a': array([1.])}]",
    "plain text": "an error",
    "number": "7",
    "list of numbers": "[1, 2]",
    "list and text": "[{'a': 1}] x",
    "dict of a text": "{'predictions': 'abc'}",
    "dict without the key": "{'a': []}",
    "empty": "",
    "spaces": " \n ",
    "nothing": None,
    "bytes value": b"[]",
    "number value": 3.5,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_or_broken_text_is_no_items_at_once(text: object) -> None:
    before = time.monotonic()
    assert read_items(text) == []
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("text", ["[1]", "'a'", "{'a'", "", None, "{'a': 1e999}"])
def test_unreadable_model_info_is_an_empty_object(text: object) -> None:
    assert read_object(text) == {}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *[(3, 3), (3.5, 3.5), ("3.5", 3.5), (" 7 ", 7), (-1.5, -1.5)],
        *[("", None), ("abc", None), (None, None), (b"3", None), (True, None), (float("inf"), None), ("nan", None)],
    ],
)
def test_number_of_any_stored_type_is_read(value: object, number: float | None) -> None:
    assert read_number(value) == number


def test_int_is_rounded_down_or_the_default() -> None:
    assert [read_int(1604856542.9), read_int("12"), read_int("x"), read_int(None, -1)] == [1604856542, 12, 0, -1]


def test_text_of_bytes_is_read_and_empty_is_none() -> None:
    assert [read_text(b"\xe6\x97\xa5\xff"), read_text(""), read_text(None), read_text(5)] == [
        "日\ufffd",
        None,
        None,
        "5",
    ]
