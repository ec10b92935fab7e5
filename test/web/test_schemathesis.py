"""Whatever is sent to whichever route, by whomever: no server error, and no answer that the document does not know.

With a few examples a route here, and with 50 by `make check-api`.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from deep_predictor.accounts.permissions import ROLES, Role
from test.web.api_checks import check_api
from test.web.conftest import MakeSite
from test.web.seeded_site import seeded_site, token_of

#: Given: so many, and all limits of all fields as well.
WISH = os.environ.get("DEEP_PREDICTOR_API_EXAMPLES")
FEW_EXAMPLES = 2


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_answer_is_in_the_document(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, role: Role | None
) -> None:
    site = seeded_site(make_site, monkeypatch)
    document: dict[str, Any] = json.loads(site.get("/openapi.json").body)
    token = token_of(site, role) if role else None
    checked = check_api(site.app, document, token, int(WISH or FEW_EXAMPLES), all_phases=WISH is not None)
    assert checked.failures == [], "\n\n".join(checked.failures)
    asked = {name.partition(":")[0] for name in checked.answers}
    assert asked == {f"{method.upper()} {path}" for path, of in document["paths"].items() for method in of}
