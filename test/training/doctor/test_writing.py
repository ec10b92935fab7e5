"""The findings as text, page and command: complete, and harmless whatever the files are called."""

from __future__ import annotations

import argparse
import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.doctor import Findings, as_text, examine, write_html
from deep_predictor.training.doctor.command import add_arguments, run
from deep_predictor.training.doctor.text import bytes_text, seconds_text
from deep_predictor.training.fingerprints import fingerprint_all
from test.training.datasets.pictures import png, small_set, write_files

EVIL = "<script>alert(1)<\u2215script>\x1b[31m&\"'"


def faulty_set() -> dict[str, bytes]:
    files = small_set(("cat", EVIL), 24)
    return files | {f"{EVIL}/copy.png": png(30), "cat/broken.png": b"?", "cat/notes.txt": b"hello"}


def doctor(tmp_path: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([*words, "--cache-folder", str(tmp_path / "cache")]))


def page_of(tmp_path: Path) -> tuple[str, Findings]:
    dataset = open_path(write_files(tmp_path / "pets", faulty_set()), tmp_path / "cache")
    findings = examine(dataset, fingerprint_all(dataset, 1))
    write_html(findings, dataset, tmp_path / "page.html")
    return (tmp_path / "page.html").read_text(encoding="utf-8"), findings


def test_text_tells_each_finding_with_names_and_advice(tmp_path: Path) -> None:
    dataset = open_path(write_files(tmp_path / "pets", faulty_set()), tmp_path / "cache")
    findings = examine(dataset, fingerprint_all(dataset, 1))
    text = as_text(findings)

    assert text.startswith("pets: 49 pictures, 2 classes\n")
    for finding in findings.findings:
        assert f"{finding.severity.upper()} ({finding.code}): " in text
    assert "\x1b" not in text
    assert "cat/broken.png" in text
    assert "Suggested split (validation: val_share 0.15; test: test_share 0.2):" in text
    assert "Rough estimate for this machine" in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_text_of_a_sound_set_says_so(tmp_path: Path) -> None:
    dataset = open_path(write_files(tmp_path / "pets", small_set(count=24)), tmp_path)

    assert "Nothing is wrong with it." in as_text(examine(dataset, fingerprint_all(dataset, 1)))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_runs_nothing(tmp_path: Path) -> None:
    page, findings = page_of(tmp_path)
    tags = Tags()
    tags.feed(page)

    assert tags.open == []
    assert not {"script", "iframe", "link", "object", "form"} & {tag for tag, _ in tags.seen}
    assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on")]
    sources = [attributes["src"] or "" for tag, attributes in tags.seen if tag == "img"]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "default-src 'none'" in page
    assert "\x1b" not in page
    for finding in findings.findings:
        assert f'id="{finding.code}-{finding.severity}"' in page


def test_page_shows_thumbnails_of_the_pictures_concerned(tmp_path: Path) -> None:
    page, _ = page_of(tmp_path)
    encoded = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)

    assert len(encoded) == 2  # the two copies; the broken picture and the text file have none
    image = cv2.imdecode(np.frombuffer(base64.b64decode(encoded[0]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (112, 112, 3)


def test_page_takes_the_place_of_an_older_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")

    assert page_of(tmp_path)[0].startswith("<!doctype html>")
    assert not list(tmp_path.glob("*.part"))


def test_command_prints_text_and_ends_0_where_nothing_forbids_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(tmp_path / "pets", faulty_set())

    assert doctor(tmp_path, str(tmp_path / "pets")) == 0
    assert "WARNING (exact_copies)" in capsys.readouterr().out


def test_command_ends_1_where_training_is_impossible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(tmp_path / "pets", small_set(count=2))

    assert doctor(tmp_path, str(tmp_path / "pets"), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["code"] == "split_impossible"


def test_command_writes_the_page_too(tmp_path: Path) -> None:
    write_files(tmp_path / "pets", small_set(count=24))

    assert doctor(tmp_path, str(tmp_path / "pets"), "--html", str(tmp_path / "p.html"), "--workers", "2") == 0
    assert (tmp_path / "p.html").stat().st_size > 1000


def test_command_knows_sets_without_a_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(tmp_path, "sklearn_digits") == 0
    assert capsys.readouterr().out.startswith("sklearn_digits: 1,797 pictures, 10 classes")


@pytest.mark.parametrize("words", [["gone"], ["--html", "gone/p.html", "."]])
def test_command_with_wrong_paths_ends_2(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert doctor(tmp_path, *words) == 2
    assert "there is no such" in capsys.readouterr().err


def test_command_on_a_set_that_cannot_be_opened_ends_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pets.zip").write_bytes(b"no zip")

    assert doctor(tmp_path, str(tmp_path / "pets.zip")) == 1
    assert "it is no zip" in capsys.readouterr().err
    assert doctor(tmp_path, str(tmp_path / "pets.zip"), "--json") == 1
    assert "it is no zip" in json.loads(capsys.readouterr().err)["error"]


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 bytes"), (1500, "1.5 KB"), (12_345_678, "12.3 MB"), (5 * 10**12, "5.0 TB")]
)
def test_bytes_are_told_in_fitting_units(count: int, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(1.25, "1.2 s"), (600, "10 min"), (7200, "2.0 h")])
def test_seconds_are_told_in_fitting_units(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
