"""A page that is left open while a training goes on and the server is killed and started again tells the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from deep_predictor.training.job_files import Progress, read_object, write_object, write_progress
from test.app_builder import build_app, write_config
from test.server_process import ServerProcess
from test.web.browser_fixtures import STEP_MILLISECONDS, Watch, browser
from test.web.management.people import PASSWORD, cheap_hashes, get_person
from test.web.management.training_sites import SETTINGS, dataset_of, until
from test.web.sites import InProcess, Site
from test.web.studio.training_runs import LABELS, write_epoch

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=STEP_MILLISECONDS)

EPOCHS = 5
AWAY = "The server cannot be reached, trying again…"
MODULE = "test.web.studio.server_with_fake_trainings"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """With a trainer and a data set, and trainings that stop after their first epoch."""
    config_path = write_config(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        app = build_app(config_path)
        site = Site(app, tmp_path, InProcess(app))
        get_person(site, "trainer", "trainer")
        dataset_of(site, "pets", LABELS)
        site.close()
    (tmp_path / "runs").mkdir(exist_ok=True)
    (tmp_path / "runs" / ".fake.json").write_text(json.dumps({"fake": {"hold": 1, "epochs": EPOCHS}}))
    with ServerProcess(config_path, module=MODULE) as server:
        yield server.start()


def start_training(page: Page) -> int:
    """Log in by the page, and start one as the page would; its number."""
    page.goto("/login")
    page.locator("#username").fill("trainer")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url("/login")
    page.goto("/studio/trainings/new?dataset=1")
    started = page.evaluate(
        """async (body) => {
          const { ask } = await import("/static/js/studio/api.js");
          return ask("POST", "/api/v1/trainings", { json: body });
        }""",
        {"dataset_id": 1, "settings": SETTINGS},
    )
    return int(started["id"])


def test_page_left_open_tells_the_truth_after_the_server_was_killed(
    server: ServerProcess, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_context(base_url=server.url).new_page()
    page.set_default_timeout(STEP_MILLISECONDS)
    watch = Watch(urlsplit(server.url).netloc)
    watch.on(page)
    watch.expected += ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "WebSocket"]
    job_id = start_training(page)
    until(lambda: list((tmp_path / "runs").glob("*/holding")), "the training holds")
    (folder,) = (path.parent for path in (tmp_path / "runs").glob("*/holding"))
    (folder / "metrics.jsonl").unlink()
    end_epoch(folder, 1)
    page.goto(f"/studio/trainings/{job_id}")
    expect(page.locator("#progress-words")).to_contain_text(f"1 of {EPOCHS} epochs")

    server.kill()
    expect(page.locator("#away")).to_have_text(AWAY)
    end_epoch(folder, 2)
    server.start()
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#progress-words")).to_contain_text(f"2 of {EPOCHS} epochs")
    expect(page.locator("#state")).to_have_text("Running")

    page.context.route("**/api/v1/**", lambda route: route.abort())  # from now on only live events tell
    watch.expected.append("ERR_FAILED")
    write_progress(
        folder, Progress(25, 50, "step", {"epoch": 3, "epochs": EPOCHS, "step": 5, "steps": 10, "loss": 0.4})
    )
    expect(page.locator("#loss-chart .chart-words")).to_contain_text("In epoch 3")
    page.context.unroute("**/api/v1/**")
    (folder / "go").touch()
    expect(page.locator("#state")).to_have_text("Done")
    page.context.close()
    assert watch.unexpected() == []


def end_epoch(folder: Path, epoch: int) -> None:
    write_epoch(folder, epoch)
    write_object(folder / "state.json", {**read_object(folder / "state.json"), "epoch": epoch, "epochs": EPOCHS})
