"""Whatever form an upload has, a browser plays its result and its original, at the same time and of the same length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page

from test.images.videos import Film, make_video
from test.server_process import new_id
from test.video_fakes import fresh, square_backend
from test.web import browser_fixtures
from test.web.browser_fixtures import PREDICTORS, OpenPage, Site

browser, watch, open_page = browser_fixtures.browser, browser_fixtures.watch, browser_fixtures.open_page
pytestmark = pytest.mark.browser

PLAY = """
async ([result, original]) => {
  const videos = [result, original].map((address) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = address;
    document.body.append(video);
    return video;
  });
  await Promise.all(videos.map((video) => video.play()));
  await Promise.all(videos.map((video) => new Promise((done) => {
    video.ontimeupdate = () => video.currentTime > 0.2 && done();
  })));
  for (const video of videos) {
    video.pause();
    video.currentTime = 0.65;
    await new Promise((done) => { video.onseeked = done; });
  }
  return videos.map((video) => ({
    ready: video.readyState, seconds: video.duration, width: video.videoWidth, height: video.videoHeight,
    at: video.currentTime, error: video.error && video.error.message,
  }));
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As the other browser tests' site, with a predictor that sees squares."""
    PREDICTORS["square"] = {"predictor_backend": "square", "options": {}}
    try:
        with square_backend():
            yield from browser_fixtures.site.__wrapped__(tmp_path_factory)  # type: ignore[attr-defined]
    finally:
        del PREDICTORS["square"]


def send(page: Page, url: str, film: Path) -> str:
    """Upload a film past the page, and wait until it is done; its id."""
    prediction_id = new_id()
    file = FilePayload(name=film.name, mimeType="video/mp4", buffer=film.read_bytes())
    form: dict[str, str | float | bool | bytes | FilePayload] = {"model_name": "square", "image": file}
    answer = page.request.post(f"{url}/upload", multipart={**form, "prediction_id": prediction_id})
    assert answer.status == 201
    for _ in range(20):
        done = page.request.get(f"{url}/api?prediction_id={prediction_id}&wait=2").json()
        if done["prediction_status"] != 100:
            assert done["prediction_status"] == 200
            return prediction_id
    raise AssertionError("never final")


@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("film.mp4", Film(sound="aac")),
        ("film.webm", Film(codec="libvpx", sound="libopus")),
        ("film.avi", Film(size=(97, 65), codec="ffv1", pixels="bgr0", sound="pcm_s16le")),
    ],
    ids=["mp4", "webm", "avi"],
)
def test_result_and_original_play_in_step(
    site: Site, open_page: OpenPage, tmp_path: Path, name: str, film: Film
) -> None:
    fresh()
    page = open_page("/")
    prediction_id = send(page, site.url, make_video(tmp_path / name, film))
    address = f"/api/v1/predictions/{prediction_id}/video"
    for played in (both := page.evaluate(PLAY, [address, f"{address}?original=1"])):
        assert played["error"] is None
        assert played["ready"] >= 2
        assert (played["width"], played["height"]) == (film.size[0] + film.size[0] % 2, film.size[1] + film.size[1] % 2)
        assert played["at"] == pytest.approx(0.65, abs=0.05)
    assert both[0]["seconds"] == pytest.approx(both[1]["seconds"], abs=0.15)
