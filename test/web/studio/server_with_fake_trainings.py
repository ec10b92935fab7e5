"""`waitress_server.py` whose trainings are faked: python -m test.web.studio.server_with_fake_trainings --config …"""

from __future__ import annotations

from functools import partial

import waitress_server
from deep_predictor import app
from test.web.management.training_sites import PROGRAM

if __name__ == "__main__":
    app.JobSettings = partial(app.JobSettings, program=PROGRAM, poll_seconds=0.05)  # type: ignore[assignment, misc]
    raise SystemExit(waitress_server.main())
