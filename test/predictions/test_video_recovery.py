"""A video that the server's end cut short is taken up at the next start, from its beginning, and leaves no drafts."""

from __future__ import annotations

from pathlib import Path

from deep_predictor.db.prediction_rows import NewPrediction
from deep_predictor.environment import Application
from deep_predictor.predictions.submitting_video import VideoUpload, submit_video
from test.app_builder import build_app, write_config
from test.images.videos import Film, make_video
from test.video_fakes import fresh, square_backend

ID = "v" * 32
NAME = "3f0a7c52-5d7e-4b8e-9d55-6b1c3a2f4e10.mp4"


def application_of(config: Path) -> Application:
    application: Application = build_app(config).extensions["deep_predictor"]
    return application


def test_video_under_way_when_the_server_stops_is_taken_up_again(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", Film(frames=12))
    config = write_config(tmp_path / "site", {"square": {"predictor_backend": "square", "options": {}}})
    with square_backend():
        application, backend = application_of(config), fresh(stop_before=6)
        with film.open("rb") as file:
            submit_video(application.production, VideoUpload("square", ID, "film.mp4", file))
        assert backend.has_stopped.wait(20)
        application.wake_waiters()
        backend.stop_before = None
        backend.go_on.set()
        application.close(20)
        results = application.production.results
        assert not results.folder_of(ID).exists()
        assert application.production.rows.get(ID).attempts == 0

        application = application_of(config)
        assert application.production.drain(20)
        record = application.production.rows.get(ID)
        assert (record.status, record.result_kind, record.items[0]["frames"]) == (200, "video", 12)
        application.close()


def test_video_that_a_killed_server_left_runs_once_more_and_not_a_third_time(tmp_path: Path) -> None:
    config = write_config(tmp_path / "site", {"square": {"predictor_backend": "square", "options": {}}})
    with square_backend():
        for starts, status in ((1, 200), (2, 500)):
            fresh()
            prediction_id = f"left after {starts}"
            application = application_of(config)
            environment = application.production
            kept = make_video(environment.images.temp_folder / NAME, Film(frames=5))
            environment.rows.insert(NewPrediction(prediction_id, "square", str(kept), {}, 7))
            for _ in range(starts):
                environment.rows.mark_started([prediction_id])
            application.close()
            application = application_of(config)
            assert application.production.drain(20)
            assert application.production.rows.get(prediction_id).status == status
            application.close()
