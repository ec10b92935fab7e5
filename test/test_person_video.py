"""The film of persons beside the project, through a YOLO network: who is there is found, and an empty room is empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.environment import Application
from deep_predictor.predictions.submitting_video import VideoUpload, submit_video
from test.app_builder import build_app, write_config
from test.images.videos import times_of

#: By eye, of every 40th frame.
EMPTY = (0, 40, 200, 480, 720, 880, 920, 1200, 1360)
EVERY = 40
FRAMES = 1394
ID = "p" * 32


@pytest.mark.slow
def test_persons_are_found_where_they_are(tmp_path: Path, shared_data: Path) -> None:
    detection = shared_data / "detection"
    options = {"input_size": 320, "score_threshold": 0.3, "video_every_nth_frame": EVERY, "engine": "tensorflow"}
    paths = {
        "model_path": str(detection / "yolo-fastest-1.1-xl.savedmodel"),
        "names_path": str(detection / "coco.names"),
    }
    config = write_config(tmp_path, {"yolo": {"predictor_backend": "tf_yolo", "options": options, "paths": paths}})
    application: Application = build_app(config).extensions["deep_predictor"]
    production = application.production
    try:
        with (shared_data / "video" / "one-by-one-person-detection.mp4").open("rb") as file:
            submit_video(production, VideoUpload("yolo", ID, "persons.mp4", file))
        assert production.drain(240)
        record = production.rows.get(ID)
        assert (record.status, record.result_kind) == (200, "video")
        lines = production.results.folder_of(ID).joinpath("frames.jsonl").read_text(encoding="utf-8").splitlines()
        with_person = {
            line["frame"]
            for line in map(json.loads, lines)
            if any(item["class_name"] == "person" for item in line["predictions"])
        }
        listed = set(range(0, FRAMES, EVERY))
        assert len(lines) == len(listed)
        assert len(with_person - set(EMPTY)) >= 25
        assert len(with_person & set(EMPTY)) <= 1
        assert record.items[0]["class_name"] == "person"
        times = times_of(production.results.folder_of(ID) / "video.mp4")
        assert times == pytest.approx([frame / 10 for frame in range(FRAMES)], abs=1e-3)
    finally:
        application.close()
