"""The README's commands, run as printed against the demo that `make run` serves; and the files it speaks of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.server_process import ServerProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    return (project_root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo(project_root: Path, digits_cfg: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The demo config on a free port, with databases and temp folders of the test, so that a running demo stays."""
    folder = tmp_path_factory.mktemp("demo")
    written = (project_root / "cfg" / "deep_predictor_demo.cfg").read_text(encoding="utf-8")
    config = folder / "demo.cfg"
    config.write_text(written.replace("var/demo/", f"{folder}/"), encoding="utf-8")
    with ServerProcess(config, module=None) as server:
        server.start()
        yield server
        assert server.terminate() == 0


def shell_blocks(text: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_readme_curl_lines_work_as_printed(readme: str, project_root: Path, demo: ServerProcess) -> None:
    blocks = [block for block in shell_blocks(readme) if "curl" in block]
    assert len(blocks) >= 2
    for block in blocks:
        script = block.replace("http://127.0.0.1:5000", demo.url)
        curls = script.count("curl ")
        script = re.sub(r"^(curl .*)$", r"\1; echo", script, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=project_root, capture_output=True, text=True, timeout=60, check=True
        )
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        assert len(answers) == curls
        finished = [answer for answer in answers if answer.get("prediction_status") == 200]
        # The upload's own answer may be the final one already: the prediction takes a millisecond.
        assert finished
        assert {answer["predictions"][0]["class_name"] for answer in finished} == {"3"}


def test_readme_names_only_files_and_targets_that_exist(readme: str, project_root: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (project_root / link).exists(), link
    makefile = (project_root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", readme):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`((?:cfg|other|docs)/[\w./-]+)`", readme):
        if "flowers" not in path:
            assert (project_root / path).exists(), path


def test_readme_offline_prediction_says_what_the_page_says(project_root: Path, digits_cfg: Path) -> None:
    command = [sys.executable, "-m", "deep_predictor.predict", str(digits_cfg), "other/examples/digits", "--json"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_demo_serves_its_pages(demo: ServerProcess) -> None:
    for path in ("/", "/upload", "/health/live", "/health/ready", "/api?predictors", "/api/v1/predictors"):
        demo.wait_until(path)


def test_wrong_config_refuses_the_start_and_names_every_problem(project_root: Path, tmp_path: Path) -> None:
    config = json.loads((project_root / "cfg" / "deep_predictor.cfg").read_text(encoding="utf-8"))
    config["deep_predictor_options"]["flask_options"]["debgu"] = 1
    config["deep_predictor_options"]["production"]["api_options"]["prediction_id_length"] = "long"
    path = tmp_path / "wrong.cfg"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, str(project_root / "waitress_server.py"), "--config", str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "flask_options.debgu" in done.stderr
    assert "production.api_options.prediction_id_length" in done.stderr
    assert "Traceback" not in done.stderr
