"""Reading JSON strictly: what is refused, how it is told, and what never stands in a message."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import AliasChoices, Field, ValidationError

from deep_predictor.config.strict import (
    ProjectFolder,
    ProjectPath,
    StrictModel,
    get_section,
    parse,
    read_json_object,
    shown_path,
    unknown_keys,
)
from deep_predictor.errors import ConfigError

SECRET = "never-show-this"


class Entry(StrictModel):
    name: str = Field(alias="model_name")
    token: str = Field("", repr=False)


class Sample(StrictModel):
    image_w: int = Field(1, gt=0)
    share: float = 0.5
    flag: bool = False
    text: str = Field("x", min_length=1)
    kind: Literal["a", "b"] = "a"
    folder: str = Field("f", validation_alias=AliasChoices("folder", "foldre_old_spelling"))
    path: ProjectPath | None = None
    entries: tuple[Entry, ...] = Field((), max_length=2)
    digest: str = Field("a", pattern="^[0-9a-f]$")
    inner: Entry | None = None


def problems(mapping: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(Sample, mapping, "cfg/predictors/food.cfg", "model_options", Path("/project"))
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"image_w": -1}, "image_w: must be > 0 (got -1)"),
        ({"image_w": "wide"}, "image_w: must be an integer (got 'wide')"),
        ({"image_w": 1.5}, "image_w: must be an integer (got 1.5)"),
        ({"image_w": None}, "image_w: must be an integer (got None)"),
        ({"share": "half"}, "share: must be a number (got 'half')"),
        ({"share": float("nan")}, "share: must be a finite number (got nan)"),
        ({"flag": 2}, "flag: must be 0 or 1 (got 2)"),
        ({"flag": "perhaps"}, "flag: must be 0 or 1 (got 'perhaps')"),
        ({"text": ""}, "text: must not be empty (got '')"),
        ({"text": 3}, "text: must be a text (got 3)"),
        ({"kind": "c"}, "kind: must be 'a' or 'b' (got 'c')"),
        ({"path": 3}, "path: must be a path (got 3)"),
        ({"path": " "}, "path: must name a path (got ' ')"),
        ({"path": "a\0b"}, "path: must not hold control characters (got 'a\\x00b')"),
        ({"entries": 3}, "entries: must be a list: [ … ] (got 3)"),
        ({"entries": [3]}, "entries.0: must be a JSON object: { … }"),
        ({"entries": [{}]}, "entries.0.model_name: is missing"),
        ({"entries": [{"model_name": "x"}] * 3}, "entries: must have at most 2 items"),
        ({"digest": "z"}, "digest: must match pattern '^[0-9a-f]$' (got 'z')"),
        ({"image_h": 1}, "image_h: unknown key; did you mean 'image_w'?"),
        ({"foldre_old_speling": 1}, "foldre_old_speling: unknown key; did you mean 'foldre_old_spelling'?"),
        ({"entries": [{"model_nmae": 1, "model_name": "x"}]}, "entries.0.model_nmae: unknown key; did you mean"),
        ({"inner": {"zzz": 1, "model_name": "x"}}, "inner.zzz: unknown key; known are: model_name, token"),
    ],
)
def test_parse_of_a_wrong_value_says_file_key_and_what_it_must_be(mapping: dict[str, Any], expected: str) -> None:
    (line,) = problems(mapping)
    assert line.startswith(f"cfg/predictors/food.cfg: model_options.{expected}")


def test_parse_reports_every_problem_at_once() -> None:
    found = problems({"image_w": 0, "share": [], "nonsense": 1, "kind": 3, "entries": [{}, {"x": 1}]})
    assert len(found) == 7


def test_parse_takes_flags_as_numbers_and_as_words() -> None:
    flags = [parse(Sample, {"flag": value}, "f", "", Path()).flag for value in (0, 1, True, False)]
    assert flags == [False, True, True, False]


def test_parse_shortens_long_values() -> None:
    (line,) = problems({"image_w": "9" * 10_000})
    assert len(line) < 200


@pytest.mark.parametrize(
    "mapping",
    [
        {"inner": {"model_name": "x", "token": 5 * [SECRET]}},
        {"inner": {"model_name": "x", "tokne": SECRET}},
        {"entries": [{"model_name": "x", "token": {"x": SECRET}}]},
        {"inner": SECRET},
    ],
)
def test_parse_shows_no_secret_even_in_a_traceback(mapping: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(Sample, mapping, "f", "", Path())
    shown = "".join(traceback.format_exception(raised.value))
    assert SECRET not in shown + repr(raised.value) + repr(raised.value.problems)
    assert raised.value.__context__ is None


def test_strict_model_is_frozen_and_hides_secrets_in_its_repr() -> None:
    entry = Entry(model_name="x", token=SECRET)
    assert SECRET not in f"{entry!r} {entry}"
    with pytest.raises(ValidationError):
        entry.token = "another"  # type: ignore[misc]


def test_project_path_is_relative_to_the_root(tmp_path: Path) -> None:
    assert parse(Sample, {"path": "a/b"}, "f", "", tmp_path).path == tmp_path / "a/b"
    assert parse(Sample, {"path": "/a/b"}, "f", "", tmp_path).path == Path("/a/b")


class Folders(StrictModel):
    folder: ProjectFolder


@pytest.mark.parametrize("written", [".", "..", "a/..", "/", "a/../../"])
def test_project_folder_that_holds_the_project_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match="must be a folder of its own"):
        parse(Folders, {"folder": written}, "f", "", tmp_path)


def test_project_folder_outside_the_project_is_fine(tmp_path: Path) -> None:
    assert parse(Folders, {"folder": "../beside"}, "f", "", tmp_path / "project").folder


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "1e999 is too large a number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": {"b": 1, "b": 2}}', "b: stands there twice"),
        (b'{"a": 1,}', "line 1, column"),
        (b'{\n  "a": 1\n  "b": 2\n}', "line 3, column 3"),
        (b"[" * 100_000, "nested too deeply"),
        (b"", "line 1, column 1"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"3", "must be a JSON object"),
    ],
)
def test_read_json_object_refuses_what_is_no_json_object(tmp_path: Path, text: bytes, part: str) -> None:
    (tmp_path / "x.cfg").write_bytes(text)
    with pytest.raises(ConfigError) as raised:
        read_json_object(tmp_path / "x.cfg", tmp_path)
    assert str(raised.value).startswith("x.cfg: ")
    assert part in str(raised.value)


def test_read_json_object_takes_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.cfg").write_bytes(b'\xef\xbb\xbf{"a": "\xe6\x97\xa5"}')
    assert read_json_object(tmp_path / "x.cfg", tmp_path) == {"a": "日"}


@pytest.mark.parametrize("name", ["none.cfg", "folder", "none/none.cfg", "a\0b"])
def test_read_json_object_without_a_file_is_a_config_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError):
        read_json_object(tmp_path / name, tmp_path)


def test_get_section_names_the_nearest_key() -> None:
    with pytest.raises(ConfigError, match=r"f: a\.model_info: is missing; is 'model_inof' meant to be it"):
        get_section({"model_inof": {}}, "model_info", "f", "a")


def test_unknown_keys_are_told_in_the_order_of_the_file() -> None:
    found = [str(problem) for problem in unknown_keys({"z": 1, "know": 2, "known": 3}, ["known"], "f")]
    assert found == ["f: z: unknown key; known are: known", "f: know: unknown key; did you mean 'known'?"]


def test_shown_path_is_relative_inside_the_project_only(tmp_path: Path) -> None:
    assert shown_path(tmp_path / "cfg" / "a.cfg", tmp_path) == "cfg/a.cfg"
    assert shown_path(Path("/elsewhere/a.cfg"), tmp_path) == "/elsewhere/a.cfg"


def test_cfg_nested_very_deep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.cfg"
    path.write_text('{"a": ' * 40 + "1" + "}" * 40, encoding="utf-8")
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_json_object(path, tmp_path)
