"""People and keys: who exists, who may log in, which key is right. Without a word of HTTP."""

from __future__ import annotations

from deep_predictor.config.management_options import AccountsOptions
from deep_predictor.db.account_rows import AccountRows
from deep_predictor.db.oauth_rows import OAuthRows


class Accounts:
    def __init__(self, rows: AccountRows, oauth_rows: OAuthRows, options: AccountsOptions, token_key: str) -> None:
        self._rows, self._oauth_rows, self._options, self._token_key = rows, oauth_rows, options, token_key
