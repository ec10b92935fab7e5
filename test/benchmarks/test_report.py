"""Medians, tables and the marked sections of docs/benchmarks.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from other.benchmarks import report
from other.benchmarks.__main__ import SECTIONS
from other.benchmarks.peer_servers import PEERS, PEERS_FOLDER, version
from other.benchmarks.rounds import BARE, Measured, median, medians


def sample(
    subject: str, concurrency: int, throughput: float, p99: float, number: int = 0, **more: Any
) -> dict[str, Any]:
    figures = {"throughput": throughput, "share": throughput / 200, "p50": p99 / 2, "p99": p99}
    shape = {"round": number, "subject": subject, "way": "", "concurrency": concurrency}
    return {**shape, **figures, "refused": 0, "unexpected": 0, **more}


def measured() -> Measured:
    samples = [sample(BARE, 8, 200, 50)]
    samples += [sample("ours", 8, throughput, 60, n, way="raw body") for n, throughput in enumerate((180, 160, 170))]
    samples += [sample("peer", 8, 100, 120, n) for n in range(3)]
    memory = {"memory_mb": {"rss": 100.0}, "memory_after_mb": {"rss": 120.0}, "first_answer_seconds": 2.0}
    starts = [{"subject": "ours", **memory}, {"subject": "peer", **memory, "memory_after_mb": {"rss": 240.0}}]
    return Measured(samples, starts, {"ray": "not installed, because"})


def test_medians_are_taken_over_the_rounds() -> None:
    figures = medians(measured().samples)
    assert figures["ours", "raw body", 8]["throughput"] == 170
    assert median([None, 3.0, 1.0]) == 2.0
    assert median([None]) is None


def test_throughput_table_has_a_row_for_each_server_and_way() -> None:
    lines = report.throughput_table(measured(), [8]).splitlines()
    assert lines[0] == "| server | 8: answers/s | of bare | p50 ms | p99 ms | memory MB | first answer s |"
    assert lines[2] == "| bare loop | 200 | 1.00 | 25.0 | 50.0 | – | – |"
    assert lines[3] == "| ours, raw body | 170 | 0.85 | 30.0 | 60.0 | 120 | 2.0 |"
    assert lines[5].startswith("| ray: not installed, because | – |")


def test_throughput_table_shows_refused_and_wrong_answers() -> None:
    bad = Measured([sample("ours", 8, 5, 60, refused=7, unexpected=2)])
    assert "| 5.0 (7 refused) (2 wrong) |" in report.throughput_table(bad, [8])


def test_ratio_table_compares_round_by_round() -> None:
    lines = report.ratio_table(measured(), "ours", [1, 8]).splitlines()
    assert lines[0] == "| ours over … | 8: throughput | 8: p99 | memory |"
    assert lines[2:] == ["| peer | 1.70 | 0.50 | 0.50 |"]


def test_ratio_table_without_peers_is_empty() -> None:
    assert report.ratio_table(Measured([sample("ours", 8, 5, 60)]), "ours", [8]) == ""


def test_write_section_replaces_what_stands_between_its_markers(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("before\n<!-- ours begin -->\nold\n<!-- ours end -->\nafter\n")
    report.write_section(document, "ours", "new\n")
    assert document.read_text() == "before\n<!-- ours begin -->\n\nnew\n\n<!-- ours end -->\nafter\n"


def test_write_section_without_markers_raises(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("nothing")
    with pytest.raises(ValueError, match="no markers"):
        report.write_section(document, "ours", "new")


def test_document_has_every_section_and_names_every_peer(project_root: Path) -> None:
    text = (project_root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for section in SECTIONS:
        assert f"<!-- {section} begin -->" in text
        assert f"<!-- {section} end -->" in text
    assert all(f"`{name}`" in text for name in PEERS)


def test_peers_are_pinned_and_have_a_server() -> None:
    for peer in PEERS.values():
        assert (PEERS_FOLDER / peer.name / "server.py").exists() or peer.name == "bentoml"
        if peer.requirements.exists():
            lines = peer.requirements.read_text(encoding="utf-8").splitlines()
            assert all("==" in line for line in lines if line and not line.startswith("#")), peer.name
            assert version(peer), peer.name
