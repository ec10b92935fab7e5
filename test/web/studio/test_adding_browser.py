"""What comes into a data set by the browser: zips that are dropped, pictures, a predictor's folders."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.dataset_requests import nothing_runs, zipped
from test.web.management.training_sites import drawn
from test.web.studio.dataset_sets import labels_of, new_set
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


def zip_file(folder: Path, files: dict[str, bytes], name: str = "pets.zip") -> Path:
    path = folder / name
    path.write_bytes(zipped(files))
    return path


def drop(page: Page, name: str, data: bytes, media_type: str) -> None:
    """As from the desktop: the browser's own events, with a file in them."""
    page.evaluate(
        """([name, data, type]) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          transfer.items.add(new File([bytes], name, {type}));
          for (const kind of ["dragenter", "dragover"]) {
            document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
          }
          if (document.querySelector("#drop-veil").hidden) throw new Error("nothing says that files may be dropped");
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [name, base64.b64encode(data).decode(), media_type],
    )


def test_dropped_zip_becomes_pictures_and_its_problems_are_listed(studio: Studio) -> None:
    dataset_id = new_set(studio)
    page = studio.page("trainer", f"/studio/datasets/{dataset_id}")
    expect(page.locator("#empty")).to_be_visible()
    files = {"train/cat/1.png": drawn(1), "train/dog/2.png": drawn(2), f"cat/{HOSTILE_NAME[:30]}.txt": b"?"}
    drop(page, "pets.zip", zipped(files), "application/zip")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Add pets.zip")
    check_axe(page)
    page.keyboard.press("Enter")
    line = page.locator(".transfer")
    expect(line).to_contain_text("2 pictures added, 1 file left out.")
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator("#facts")).to_have_text("2 pictures · 2 labels · train 2")
    line.get_by_text("1 left out").click()
    expect(line.get_by_role("table")).to_contain_text(HOSTILE_NAME[:30])
    check_looks(page, "dataset-imported")
    line.get_by_role("button", name="Close").click()
    expect(line).to_have_count(0)


def test_zip_under_one_label_that_cannot_be_used_says_why(studio: Studio, tmp_path: Path) -> None:
    studio.watch.expected += ["422"]
    page = studio.page("trainer", f"/studio/datasets/{new_set(studio)}")
    page.set_input_files("#files", zip_file(tmp_path, {"../../evil.png": drawn(1)}))
    page.get_by_role("dialog").get_by_label("Label of all its pictures").fill("cat")
    page.keyboard.press("Enter")
    expect(page.locator(".transfer-bad")).to_contain_text("leads out of the zip")
    drop(page, "no.zip", b"no zip", "application/zip")
    page.keyboard.press("Enter")
    expect(page.locator(".transfer-bad").last).to_contain_text("no zip")


def test_zip_is_cancelled_while_it_is_sent(studio: Studio, tmp_path: Path) -> None:
    page = studio.page("trainer", f"/studio/datasets/{new_set(studio)}")
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    session.send("Network.emulateNetworkConditions", slow)
    path = tmp_path / "large.zip"
    path.write_bytes(bytes(6_000_000))
    page.set_input_files("#files", path)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    line = page.locator(".transfer")
    expect(line).to_contain_text("of 5.7 MB")
    expect(line.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", "0")
    line.get_by_role("button", name="Cancel large.zip").click()
    expect(line).to_contain_text("Cancelled; nothing was added.")
    assert not studio.management.jobs.list("queued", "running")  # type: ignore[arg-type]


def test_import_is_cancelled_also_from_a_page_that_was_opened_later(studio: Studio, tmp_path: Path) -> None:
    dataset_id = new_set(studio)
    path = zip_file(tmp_path, {"cat/1.png": drawn(1)})
    with nothing_runs(studio.management.jobs):
        page = studio.page("trainer", f"/studio/datasets/{dataset_id}")
        page.set_input_files("#files", path)
        page.get_by_role("dialog").get_by_role("button", name="Add").click()
        expect(page.locator(".transfer")).to_contain_text("Waiting for its turn…")
        other = studio.page("trainer", f"/studio/datasets/{dataset_id}")
        viewer = studio.page("viewer", f"/studio/datasets/{dataset_id}")
        expect(viewer.locator(".transfer")).to_contain_text("Waiting for its turn…")
        expect(viewer.get_by_role("button", name="Cancel")).to_have_count(0)
        other.locator(".transfer").get_by_role("button", name="Cancel").click()
        for shown in (page, other, viewer):
            expect(shown.locator(".transfer")).to_contain_text("Cancelled; nothing was added.")


def test_import_that_the_server_stops_answering_for_is_waited_for(studio: Studio, tmp_path: Path) -> None:
    studio.watch.expected += ["net::ERR_"]
    dataset_id = new_set(studio)
    path = zip_file(tmp_path, {"cat/1.png": drawn(1)})
    with nothing_runs(studio.management.jobs):
        page = studio.page("trainer", f"/studio/datasets/{dataset_id}")
        page.set_input_files("#files", path)
        page.get_by_role("dialog").get_by_role("button", name="Add").click()
        expect(page.locator(".transfer")).to_contain_text("Waiting for its turn…")
        page.context.set_offline(True)
        expect(page.locator(".transfer")).to_contain_text("The server cannot be reached. Trying again…")
        page.context.set_offline(False)
    expect(page.locator(".transfer")).to_contain_text("1 picture added.")


def test_pictures_are_added_under_a_label_and_what_is_none_is_told(studio: Studio, tmp_path: Path) -> None:
    studio.watch.expected += ["415"]
    dataset_id = new_set(studio)
    page = studio.page("trainer", f"/studio/datasets/{dataset_id}")
    for name, data in (("a.png", drawn(1)), ("b.png", drawn(2)), ("broken.png", b"no picture"), ("notes.txt", b"?")):
        (tmp_path / name).write_bytes(data)
    page.set_input_files("#files", sorted(tmp_path.iterdir()))
    dialog = page.get_by_role("dialog", name="Add 4 pictures")
    dialog.get_by_label("Label").fill(HOSTILE_NAME)
    dialog.get_by_label("Part").select_option("test")
    page.keyboard.press("Enter")
    line = page.locator(".transfer")
    expect(line).to_contain_text("2 pictures added, 2 left out.")
    line.locator("summary").click()
    expect(line.get_by_role("row", name="broken.png")).to_be_visible()
    expect(line.get_by_role("row", name="notes.txt")).to_contain_text("This kind of file is not supported")
    expect(page.locator(".tile-part-test")).to_have_count(2)
    assert labels_of(studio, dataset_id) == {HOSTILE_NAME: 2}


def test_empty_zip_is_refused_before_it_is_sent(studio: Studio, tmp_path: Path) -> None:
    page = studio.page("trainer", f"/studio/datasets/{new_set(studio)}")
    expect(page.locator("#facts")).to_have_text("No pictures yet.")
    (tmp_path / "empty.zip").write_bytes(b"")
    page.set_input_files("#files", tmp_path / "empty.zip")
    expect(page.get_by_role("alert").filter(has_text="empty.zip is empty")).to_be_visible()


def test_pictures_of_a_predictor_are_taken_in(studio: Studio) -> None:
    studio.watch.expected += ["409"]
    dataset_id = new_set(studio)
    page = studio.page("trainer", f"/studio/datasets/{dataset_id}")
    page.get_by_role("button", name="From a predictor…").click()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert").filter(has_text="has kept no picture yet")).to_be_visible()
    predictor = studio.site.production.predictors["dummy"]
    assert predictor.main_folder is not None
    folder = predictor.main_folder / "pizza"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(drawn(1))
    page.get_by_role("button", name="From a predictor…").click()
    page.get_by_role("dialog").get_by_label("Predictor").select_option("dummy")
    check_axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.locator(".transfer")).to_contain_text("1 picture added.")
    assert labels_of(studio, dataset_id) == {"pizza": 1}
