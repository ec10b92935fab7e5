"""The process that explains classifications, from the server's side: started when it is asked, watched, ended."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from deep_predictor.engines.array_pipe import read_message, write_message
from deep_predictor.engines.trial_child import PROJECT_ROOT, child_environment
from deep_predictor.errors import NotExplainable
from deep_predictor.os_limits import resident_bytes, usable_cores

logger = logging.getLogger(__name__)

CHILD_MODULE = "deep_predictor.engines.explain_child"
#: For one explanation, the start of the child and the loading of the model among it.
LONGEST_SECONDS = 90.0
LOOK_SECONDS = 0.1


class ExplainProcess:
    """At most one child at a time, for one thread at a time; `close` may be called from any.

    `memory_limit`: resident bytes of the child. `seconds`: how long one answer may take.
    """

    def __init__(
        self,
        cores: int = 0,
        memory_limit: int = 8 * 1024**3,
        seconds: float = LONGEST_SECONDS,
        child_module: str = CHILD_MODULE,
    ) -> None:
        self._cores, self._memory_limit, self._seconds = cores or usable_cores(), memory_limit, seconds
        self._command = [sys.executable, "-m", child_module]
        self._child: subprocess.Popen[bytes] | None = None

    def heat_map(self, model_path: Path, picture: np.ndarray, class_index: int) -> np.ndarray:
        """float32 (h, w, c), as the network gets it -> float32 (height, width), 0 and more, of the network's own size.

        Raises NotExplainable, also where the child crashed, or took too long or too much.
        """
        child = self._running_child()
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(child, ended), name="explaining, watched", daemon=True)
        watcher.start()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            write_message(child.stdin, {"model_path": str(model_path), "class_index": class_index}, picture)
            head, heat = read_message(child.stdout)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            logger.warning("%s: the process that explains ended with %s", model_path, child.returncode)
            raise NotExplainable("the process that explains ended early", NotExplainable.FAILED) from error
        finally:
            ended.set()
            watcher.join()
        if heat is None:
            raise NotExplainable(head["detail"], head["code"])
        return heat

    def close(self) -> None:
        """End the child, if there is one; the next question starts another."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what was not yet sent
                continue

    def _running_child(self) -> subprocess.Popen[bytes]:
        if self._child and self._child.poll() is not None:
            self.close()
        if self._child is None:
            self._child = subprocess.Popen(
                self._command,
                cwd=PROJECT_ROOT,
                env=child_environment(self._cores),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._child

    def _watch(self, child: subprocess.Popen[bytes], ended: threading.Event) -> None:
        """Kill the child when it breaks a limit; whoever reads from it notices."""
        deadline = time.monotonic() + self._seconds
        while not ended.wait(LOOK_SECONDS):
            used = resident_bytes(child.pid)
            if used > self._memory_limit:
                logger.error("explaining took %.1f GB of memory and was ended", used / 1e9)
            elif time.monotonic() > deadline:
                logger.error("explaining did not end within %.0f s and was ended", self._seconds)
            else:
                continue
            child.kill()
            return
