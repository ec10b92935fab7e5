"""Print a random key of 256 bits, for `secret_key` or `api_key`: python other/generate_secret_key.py"""

from __future__ import annotations

import secrets

if __name__ == "__main__":
    print(secrets.token_hex(32))
