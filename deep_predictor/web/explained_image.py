"""A classification's picture under a heat map that says where its class was seen."""

from __future__ import annotations

from flask import Response, request

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.errors import ImageUnreadable, NotExplainable, PredictionNotFound, RequestInvalid, StateConflict
from deep_predictor.images.heat import encode_png, lay_heat, shown_size
from deep_predictor.predictions.explanations import Explanation, Wanted, find_heat, network_of
from deep_predictor.predictions.storing import decode_upload
from deep_predictor.web.current import current_application
from deep_predictor.web.parking import Parked, parking_of
from deep_predictor.web.stored_image import IMAGE_POLICY, find_image

#: Where the web server cannot park it, a request waits in its thread, so long at most.
WAIT_SECONDS = 60.0


def explained_response(
    environment: Environment, record: PredictionRecord, class_index: int | None, opacity: float
) -> Response:
    """A PNG. `class_index`: None for the top class. `opacity`, 0..1: of the hottest place.

    Raises NotExplainable, RequestInvalid, PredictionNotFound where the picture is gone, StateConflict
    where it is damaged, TooManyWaiting; and Parked until the heat map is there.
    """
    predictor = environment.predictors.get(record.predictor_name or "")
    spec = network_of(predictor, record).spec
    assert predictor is not None
    path = find_image(environment, record)
    if path is None:
        raise PredictionNotFound(record.prediction_id)
    index = _class_index(record, predictor.class_names, class_index)
    wanted = Wanted(environment, predictor, record.prediction_id, index, path)
    try:
        heat = find_heat(wanted)
        if heat is None:
            heat = _wait_for(current_application().explanations.ask(wanted)).heat()
        pixels = shown_size(decode_upload(environment, predictor, path.read_bytes()).pixels)
    except OSError:  # gone since it was looked up
        raise PredictionNotFound(record.prediction_id) from None
    except ImageUnreadable as error:
        raise StateConflict("file_damaged", "the stored picture cannot be read") from error
    response = Response(encode_png(lay_heat(pixels, heat, spec, opacity)), mimetype="image/png")
    response.headers["Content-Security-Policy"] = IMAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _class_index(record: PredictionRecord, class_names: tuple[str, ...], asked: int | None) -> int:
    """Which class is explained. Raises RequestInvalid, NotExplainable for a row that does not say its top class."""
    if asked is None:
        asked = next((item.get("class_index") for item in record.items), None)
        if not isinstance(asked, int) or not 0 <= asked < len(class_names):
            raise NotExplainable("its answer names no class of its predictor")
    elif not 0 <= asked < len(class_names):
        raise RequestInvalid([("class_index", f"must be one of 0 to {len(class_names) - 1}")])
    return asked


def _wait_for(explanation: Explanation) -> Explanation:
    """The same, ended, or still at it after WAIT_SECONDS. Raises Parked."""
    parking = parking_of(request.environ)
    if parking:
        if explanation.when_ended(parking.ask_again):
            raise Parked
        return explanation
    with current_application().wait_slots.hold(explanation.wanted.predictor.name) as granted:
        if granted:
            explanation.wait(WAIT_SECONDS)
    return explanation
