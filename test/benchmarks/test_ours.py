"""What the benchmarks write for our server is what it reads: configs and rows."""

from __future__ import annotations

from pathlib import Path

from other.benchmarks import growth, ours
from other.benchmarks.pictures import draw, encode_jpeg, photo
from test.app_builder import build_app


def test_write_config_makes_a_config_that_serves_uploads_with_its_key(tmp_path: Path) -> None:
    ours.write_config(tmp_path, growth._dummy(0), {})
    client = build_app(tmp_path / "deep_predictor.cfg").test_client()
    request = ours.raw_request(Path("photo.jpg"))
    headers = dict(line.split(": ") for line in request.headers)
    small = encode_jpeg(draw(1, 64, 48))
    response = client.post(request.path, data=small, content_type="image/jpeg", headers=headers)
    assert request.expect in response.text.replace(" ", "")


def test_insert_rows_makes_predictions_that_the_api_finds(tmp_path: Path) -> None:
    ours.write_config(tmp_path, growth._dummy(0), {})
    client = build_app(tmp_path / "deep_predictor.cfg").test_client()
    paths = growth.insert_rows(tmp_path / "production" / "predictions.db", 50)
    assert len(paths) == 50
    answers = [client.get(path).get_json() for path in paths]
    assert all(answer["prediction_status"] == 200 and len(answer["predictions"]) == 5 for answer in answers)


def test_photo_is_the_same_each_time_and_about_90_kb() -> None:
    first = photo()
    assert first == photo()
    assert abs(len(first) - 90_000) < 5_000
