"""The usual first attempt: Flask's own threaded server and `model.predict` under a lock."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from flask import Flask, jsonify, request

INPUT_SIZE = 224


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    model = keras.models.load_model(args.model / "model.keras", compile=False)
    names = (args.model / "names.txt").read_text(encoding="utf-8").splitlines()
    lock = threading.Lock()
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> Any:
        pixels = cv2.imdecode(np.frombuffer(request.get_data(), np.uint8), cv2.IMREAD_COLOR)
        small = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), (INPUT_SIZE, INPUT_SIZE))
        with lock:
            scores = model.predict(small[None].astype("float32") / 127.5 - 1, verbose=0)[0]
        best = np.argsort(-scores)[:5]
        items = [{"class_index": int(i), "class_name": names[i], "confidence": float(scores[i])} for i in best]
        return jsonify(predictions=items)

    app.run("127.0.0.1", args.port, threaded=True)


if __name__ == "__main__":
    main()
