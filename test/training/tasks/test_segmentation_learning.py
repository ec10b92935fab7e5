"""Targets, loss and figures together: a tiny network learns a tiny set of masks. U-Net on scenes: `make check-slow`."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.fit_options import FitOptions
from deep_predictor.training.tasks.segmentation import MaskTargets, SegmentationObjective
from deep_predictor.training.trainer import Trainer
from test.training.mask_pictures import CLASS_NAMES, MaskPictures
from test.training.tasks.test_segmentation import make_config


def test_network_learns_squares_within_a_few_epochs() -> None:
    import keras

    keras.utils.set_random_seed(1)
    dataset, spec = MaskPictures(40), make_config(width=32, height=32).options.input_options.to_spec()
    pipeline, sizes = Pipeline(spec, targets=MaskTargets(spec)), BatchOptions(8, 2, 5, 10**7)
    values = {"architecture": "unet", "epochs": 10, "batch_size": 8, "learning_rate": 0.03}
    inputs = keras.Input(spec.input_shape)
    hidden = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    network = keras.Model(inputs, keras.layers.Conv2D(3, 1)(hidden))
    trainer = Trainer(network, FitOptions.model_validate(values), SegmentationObjective(CLASS_NAMES))
    with (
        Batches(dataset, np.arange(32), pipeline, sizes) as train,
        Batches(dataset, np.arange(32, 40), pipeline, sizes) as val,
    ):
        history = trainer.fit(train, val)

    assert history[-1].loss < history[0].loss / 2
    assert trainer.best.val_miou is not None
    assert trainer.best.val_miou > 0.8
