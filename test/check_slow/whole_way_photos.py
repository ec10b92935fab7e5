"""The whole way in the browser once more, with real photos of clothing: `make check-slow` runs it.

`make test-slow` goes the same way with digits, which are always there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from test.server_process import ServerProcess
from test.web.browser_fixtures import browser  # noqa: F401  a fixture
from test.web.studio.test_whole_way import go, page, server, write_clothing  # noqa: F401  fixtures

pytestmark = pytest.mark.timeout(900)


def test_user_makes_a_model_of_photos_that_answers(
    page: Page,  # noqa: F811
    server: ServerProcess,  # noqa: F811
    tmp_path: Path,
    shared_data: Path,
) -> None:
    go(page, server, write_clothing(tmp_path, shared_data))
