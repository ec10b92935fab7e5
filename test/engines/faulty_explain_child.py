"""A child that answers the class index 0, and does something else for the others."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from deep_predictor.engines.array_pipe import read_message, write_message

REFUSES, CRASHES, HANGS, EATS, BABBLES = 1, 2, 3, 4, 5

if __name__ == "__main__":
    while True:
        try:
            head, picture = read_message(sys.stdin.buffer)
        except EOFError:
            break
        asked = head["class_index"]
        if asked == REFUSES:
            write_message(sys.stdout.buffer, {"code": "not_explainable", "detail": "no feature maps"})
        elif asked == CRASHES:
            os.abort()
        elif asked == HANGS:
            time.sleep(60)
        elif asked == EATS:
            eaten = np.ones(100_000_000)
            time.sleep(60)
        elif asked == BABBLES:
            os.write(1, b"\xff" * 100)
        else:
            assert picture is not None
            write_message(sys.stdout.buffer, {}, np.full((1, 1), os.getpid()) + picture[:1, :1, 0])
