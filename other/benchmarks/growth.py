"""What grows with what: models loaded, rows in the database, predictions that wait, megapixels of a photo."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from other.benchmarks import models, ours, pictures
from other.benchmarks.processes import Request, ServerDied, ServerProcess, run_client
from other.benchmarks.report import markdown_table, number
from other.benchmarks.rounds import median

MODEL_COUNTS = (1, 2, 4, 8)
ROW_COUNTS = (1, 10_000, 1_000_000)
QUEUE_LENGTH = 10_000
#: Of one prediction of the queue's dummy; what waits must still wait when it is looked at.
QUEUE_SLEEP_SECONDS = 5
LOOKED_UP_IDS = 1000
UPLOAD_CONCURRENCY = 8
PHOTO_CONCURRENCY = 2
FILL_SECONDS = 300.0
MODEL = "mobilenetv2"


def measure_models(rounds: int) -> tuple[str, dict[str, Any]]:
    """1, 2, 4 and 8 models in one server: memory after each has answered, and the start."""
    figures: dict[int, list[dict[str, float]]] = {}
    photo = ours.BENCH_FOLDER / "pictures" / "photo.jpg"
    for _ in range(rounds):
        for count in MODEL_COUNTS:
            names = [MODEL, *(f"{MODEL}_{number_}" for number_ in range(2, count + 1))]
            with ours.start(names, "growth-models") as server:
                ready = server.wait_for(ours.READY)
                for name in names:
                    request = ours.raw_request(photo)
                    server.wait_for(dataclasses.replace(request, path=f"{request.path}&model_name={name}"))
                figures.setdefault(count, []).append({"memory": server.memory_mb()["rss"], "ready": ready})
    memory = {count: median([run["memory"] for run in runs]) or 0.0 for count, runs in figures.items()}
    weights = (models.MODELS_FOLDER / MODEL / "ir" / "model.bin").stat().st_size / 1e6
    rows = []
    for count, runs in figures.items():
        further = (memory[count] - memory[1]) / (count - 1) if count > 1 else None
        ready_seconds = median([run["ready"] for run in runs])
        rows.append([str(count), number(memory[count]), number(further, 1), number(ready_seconds, 1)])
    heads = ["models loaded", "memory MB", f"each further one, MB (weights {weights:.0f})", "ready after s"]
    return markdown_table(heads, rows), {"runs": figures}


def measure_rows(rounds: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """`GET /api?prediction_id=` with few and many rows: ids that are there, drawn at random, and one that is not."""
    figures: dict[int, dict[str, list[dict[str, Any]]]] = {}
    with ExitStack() as servers:
        started = {count: servers.enter_context(_start_with_rows(count)) for count in ROW_COUNTS}
        for _ in range(rounds):
            for count, server in started.items():
                server.wait_for(ours.READY)
                paths = server.log_path.with_name("paths.txt")
                known = run_client(server.url, Request("/api"), 1, seconds, "--paths", str(paths))
                unknown = run_client(server.url, Request(f"/api?prediction_id={'0' * 32}"), 1, seconds)
                for kind, run in (("known", known), ("unknown", unknown)):
                    figures.setdefault(count, {}).setdefault(kind, []).append(run)
    shutil.rmtree(ours.RUN_FOLDER / f"growth-rows-{max(ROW_COUNTS)}", ignore_errors=True)
    p50 = {
        (count, kind): median([run["latency_ms"]["p50"] for run in runs])
        for count, kinds in figures.items()
        for kind, runs in kinds.items()
    }
    first = p50[ROW_COUNTS[0], "known"]
    rows = []
    for count in ROW_COUNTS:
        found = p50[count, "known"]
        ratio = found / first if found and first else None
        rows.append([f"{count:,}", number(found, 2), number(ratio, 2), number(p50[count, "unknown"], 2)])
    heads = ["rows", "p50 ms of a known id", "over that of one row", "p50 ms of an unknown id"]
    return markdown_table(heads, rows), {"runs": figures}


def measure_queue(rounds: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """10,000 uploads that wait: what they take in memory, and what a look at one of them costs."""
    figures: list[dict[str, Any]] = [_one_queue(seconds) for _ in range(rounds)]
    rows = []
    for title, key, digits in (("memory MB", "memory", 0), ("p50 ms of GET /api", "poll", 2)):
        medians = [median([run[f"{key}_{state}"] for run in figures]) for state in ("empty", "full")]
        rows.append([title, *(number(value, digits) for value in medians)])
    rows.append(["uploads/s while it fills", "–", number(median([run["uploads"] for run in figures]), 0)])
    rows.append(["waiting", "0", number(median([run["waiting"] for run in figures]), 0)])
    return markdown_table(["queue", "empty", "full"], rows), {"runs": figures}


def measure_photos(rounds: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """Photos of 1 to 20 megapixels, decoded in full and, where the server can, scaled."""
    figures: dict[str, Any] = {}
    rows = []
    for scaled in (0, 1):
        try:
            with ours.start([MODEL], "growth-photos", {"scaled_decoding": scaled} if scaled else {}) as server:
                server.wait_for(ours.READY)
                for megapixels in pictures.SIZES:
                    figures[f"{megapixels}-{scaled}"] = _one_photo(server, megapixels, rounds, seconds)
        except ServerDied:
            if not scaled:
                raise
    for megapixels in pictures.SIZES:
        full, small = figures[f"{megapixels}-0"], figures.get(f"{megapixels}-1")
        row = [str(megapixels), number(full["p50"], 1), number(full["throughput"], 1)]
        row += [number(small["p50"], 1), number(small["throughput"], 1)] if small else ["–", "–"]
        rows.append([*row, *_movement(full["answer"], small["answer"] if small else None)])
    heads = ["megapixels", "full: p50 ms", "answers/s", "scaled: p50 ms", "answers/s", "same top 1", "moved by"]
    return markdown_table(heads, rows), figures


def _start_with_rows(count: int) -> ServerProcess:
    """A server with a dummy predictor on a database of so many final predictions."""
    run_name = f"growth-rows-{count}"
    with ours.start(_dummy(0), run_name) as server:
        server.wait_for(ours.READY)
        folder = server.log_path.parent
    paths = insert_rows(folder / "production" / "predictions.db", count)
    (folder / "paths.txt").write_text("\n".join(paths), encoding="utf-8")
    return ours.start_again(run_name)


def insert_rows(database: Path, count: int) -> list[str]:
    """Final predictions as the server writes them; the paths that look some of them up."""
    item = [{"class_index": n, "class_name": f"class {n}", "confidence": 0.2 - n / 100} for n in range(5)]
    stored = (200, json.dumps(item), "", json.dumps({"predictor_backend": "keras", "method": "m", "model_id": 1}))
    now = int(time.time())

    def rows() -> Iterator[tuple[Any, ...]]:
        for index in range(count):
            yield _id(index), *stored, 1, now, "2026-01-01 00:00:00", 0.05, 1, "dummy"

    columns = "prediction_id, prediction_status, prediction, image_path, model_info, model_id, prediction_time"
    columns += ", time_stamp, prediction_seconds, attempts, predictor_name"
    connection = sqlite3.connect(database)
    with connection:
        statement = f"INSERT INTO predictions ({columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
        connection.executemany(statement, rows())
    connection.close()
    looked_up = random.Random(1).choices(range(count), k=min(count, LOOKED_UP_IDS))  # noqa: S311
    return [f"/api?prediction_id={_id(index)}" for index in looked_up]


def _id(index: int) -> str:
    """Spread over the index as real ids are, and the same at each call."""
    return f"{index * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def _dummy(sleep_seconds: float) -> dict[str, dict[str, Any]]:
    sections = {
        "model_info": {"predictor_backend": "dummy", "method": "dummy", "model_id": 1},
        "model_options": {
            "simulate": "keras",
            "sleep": sleep_seconds,
            "predicted_image_action": "remove",
            "queue_size": 2 * QUEUE_LENGTH,
        },
        "model_paths": {"predictions_main_folder": "var/bench/predictions"},
    }
    return {"dummy": {"predictor_options": sections}}


def _one_queue(seconds: float) -> dict[str, Any]:
    folder = ours.BENCH_FOLDER / "pictures"
    with ours.start(_dummy(QUEUE_SLEEP_SECONDS), "growth-queue") as server:
        server.wait_for(ours.READY)
        upload = dataclasses.replace(ours.async_request(folder / "photo_small.jpg"), mode="upload", expect="")
        run_client(server.url, upload, 1, 60, "--requests", "1", "--warm-up", "0", "--id-prefix", "first")
        path = f"/api?prediction_id=first{1:027d}"
        empty = run_client(server.url, Request(path), 1, seconds)
        memory_empty = server.memory_mb()["rss"]
        options = ("--requests", str(QUEUE_LENGTH), "--warm-up", "0", "--id-prefix", "queue")
        filled = run_client(server.url, upload, UPLOAD_CONCURRENCY, FILL_SECONDS, *options)
        full = run_client(server.url, Request(f"/api?prediction_id=queue{QUEUE_LENGTH:027d}"), 1, seconds)
        waiting = _count_waiting(server.log_path.parent / "production" / "predictions.db")
        memory_full = server.memory_mb()["rss"]
        server.kill()
    shutil.rmtree(server.log_path.parent, ignore_errors=True)
    return {
        "memory_empty": memory_empty,
        "memory_full": memory_full,
        "poll_empty": empty["latency_ms"]["p50"],
        "poll_full": full["latency_ms"]["p50"],
        "uploads": filled["throughput"],
        "waiting": waiting,
        "upload": filled,
    }


def _count_waiting(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT count(*) FROM predictions WHERE prediction_status = 100").fetchone()
    finally:
        connection.close()
    return int(found[0])


def _one_photo(server: ServerProcess, megapixels: int, rounds: int, seconds: float) -> dict[str, Any]:
    photo = ours.BENCH_FOLDER / "pictures" / f"photo_{megapixels}mp.jpg"
    request = ours.raw_request(photo)
    single = [run_client(server.url, request, 1, seconds) for _ in range(rounds)]
    several = [run_client(server.url, request, PHOTO_CONCURRENCY, seconds) for _ in range(rounds)]
    headers = {"X-API-Key": ours.API_KEY, "Content-Type": "image/jpeg"}
    response = requests.post(server.url + request.path, photo.read_bytes(), headers=headers, timeout=60)
    return {
        "p50": median([run["latency_ms"]["p50"] for run in single]),
        "throughput": median([run["throughput"] for run in several]),
        "answer": response.json()["predictions"],
    }


def _movement(full: list[dict[str, Any]], scaled: list[dict[str, Any]] | None) -> list[str]:
    """Whether the top class stayed, and by how much the confidences of full decoding's classes moved on average."""
    if scaled is None:
        return ["–", "–"]
    others = {item["class_index"]: item["confidence"] for item in scaled}
    moved = [abs(item["confidence"] - others.get(item["class_index"], 0.0)) for item in full]
    same = full[0]["class_index"] == scaled[0]["class_index"]
    return ["yes" if same else "no", f"{sum(moved) / len(moved):.4f}"]
