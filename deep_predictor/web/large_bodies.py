"""How large the body of a request may be, by its address: said before the first byte of it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from deep_predictor.config.management_options import LibraryOptions
from deep_predictor.web.upload_form import FORM_SLACK_BYTES

#: Without one of these headers nobody may send anything large.
CREDENTIAL_HEADERS = ("AUTHORIZATION", "X_API_KEY", "COOKIE")
_ZIPS = re.compile(r"/api/v1/datasets/[1-9][0-9]{0,8}/zips")
_MODELS = "/api/v1/models"


@dataclass(frozen=True)
class BodyLimits:
    """Bytes. `usual`: of all addresses that are not named here.

    `forms`: by address, those whose credential may stand in the body; so anybody may send as much there.
    """

    usual: int
    library: LibraryOptions
    forms: Mapping[str, int] = field(default_factory=dict)

    def of(self, method: str, path: str, headers: Mapping[str, str]) -> int:
        """`headers`: names in upper case with `_`."""
        if method == "POST" and path in self.forms:
            return max(self.usual, self.forms[path])
        if method != "POST" or not any(name in headers for name in CREDENTIAL_HEADERS):
            return self.usual
        if _ZIPS.fullmatch(path):
            return max(self.usual, self.library.max_dataset_zip_bytes + FORM_SLACK_BYTES)
        if path == _MODELS:
            return max(self.usual, self.library.max_model_bytes + FORM_SLACK_BYTES)
        return self.usual
