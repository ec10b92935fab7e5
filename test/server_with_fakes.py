"""`waitress_server.py` with the fault backend among its backends: python -m test.server_with_fakes --config …"""

from __future__ import annotations

import waitress_server
from test.fakes import register_fault_backend

if __name__ == "__main__":
    register_fault_backend()
    raise SystemExit(waitress_server.main())
