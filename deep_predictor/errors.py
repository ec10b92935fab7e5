"""Every error class of the project. They carry facts and build their own message; the HTTP number is decided in `web/`.

DeepPredictorError
├── ConfigError                    a cfg file is wrong; lists every problem found
├── DatabaseError
│   ├── DatabaseInUse              another process holds the database file
│   ├── DatabaseBusy               the database stayed locked longer than its busy timeout
│   └── DatabaseNotUpgradable      an existing file is not a deep predictor database
├── SubmissionError                an upload is refused, nothing was stored
│   ├── MissingField               a required form field is absent
│   ├── EmptyField                 a required form field is empty
│   ├── InvalidUploadBody          a JSON or raw body cannot be read as an upload
│   ├── WrongApiKey
│   ├── NoCredential
│   ├── ForeignOrigin              an open upload, or a login, is sent by another site's page
│   ├── RecaptchaRefused
│   ├── RecaptchaUnreachable
│   ├── InvalidPredictionId
│   ├── UnknownPredictor
│   ├── UnsupportedExtension
│   │   ├── VideoSupportMissing    videos are read by a library that is not installed
│   │   └── VideoNotTakenHere      this address takes pictures only
│   ├── VideoTooLarge              more bytes than are taken
│   ├── VideoTooLong
│   ├── VideoFrameTooLarge         more pixels a frame than are taken
│   ├── PredictionIdUsed
│   ├── QueueFull
│   └── TooManyWaiting             synchronous requests hold as many web threads as they may
├── PredictionNotFound
├── NotExplainable                 no heat map says why a prediction is as it is
├── UnsafeModel                    a model file holds code, or ops that touch files, network or Python
├── TrainingError                  a training run ends without a model
│   ├── DatasetUnusable            the labelled pictures cannot be trained on
│   ├── TrainingDiverged           the loss is no longer a number
│   ├── CheckpointUnusable         a run's checkpoint is broken, or another run's
│   ├── TrainingCancelled          somebody wanted the run to end
│   ├── RunFolderUnusable          a run's folder is in use, is not ours, or cannot be written
│   ├── ModelFolderUnwritable      the model folder is in use, is not ours, or cannot be written
│   ├── ModelNotServable           what was written is not what the server could serve
│   ├── ModelNotFound              what was named is no run and no model folder
│   ├── ArchitectureUnusable       the network cannot be built as the cfg says
│   ├── ConversionFailed           the model cannot be exported, or the result answers otherwise
│   ├── OutputUnwritable           an augmented set, a contact sheet or a cut-out cannot be written where it should
│   ├── CutoutFailed               nothing in the box stands out from what is around it
│   └── SearchWithoutResult        no trial of a search ended with a figure
├── TrialOver                      ends a trial of a search where no more of it is wanted; nothing is wrong
├── TrainingJobNotFound
├── TrainingJobNotResumable        a job waits, runs or is done
├── RequestInvalid                 a body or query does not fit what the address takes
├── NotFound                       what was named is not there: a data set, an item, a user, a model, …
├── NameTaken                      another one has that name
├── StateConflict                  what was asked does not fit how things stand
├── ContentRefused                 an upload holds what cannot be used, or what must not be
├── TooLarge                       an upload exceeds its own limit
├── AccessError                    a request may not do what it asks
│   ├── LoginNeeded                no credential was given
│   ├── CredentialRefused          wrong, expired or revoked
│   ├── NotPermitted               right, but not for this
│   ├── CsrfTokenMissing           a cookie is the credential and the token is absent or wrong
│   └── TooManyAttempts            wrong passwords came too often
└── PredictionError                ends one prediction, or every one of a predictor; carries its status
    ├── ModelRaised                500
    ├── PredictionTimedOut         500
    ├── TooManyStarts              500
    ├── ImageUnreadable            510
    │   └── VideoUnreadable        510
    ├── ResultInvalid              520
    │   └── NamesDoNotFit          520
    ├── ImageNotStored             530
    ├── BackendNotReady            550
    │   └── EngineGone             550, and the predictor is failed from then on
    ├── UnsupportedTensorflowVersion  560
    └── UnknownBackend             570
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deep_predictor.results import PredictionStatus


class DeepPredictorError(Exception):
    """Root of the tree. `code` is a short public word for the reason; the message may hold paths and is for logs."""

    code = "error"


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong in a cfg file: `file: key: message`."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class ConfigError(DeepPredictorError):
    """One or more cfg files are wrong; `problems` holds all that was found, one line each in the message."""

    code = "config"

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DatabaseError(DeepPredictorError):
    code = "database"


class DatabaseInUse(DatabaseError):
    """`pid` is that of the process holding the lock, None where it could not be read."""

    code = "database_in_use"

    def __init__(self, path: Path, pid: int | None) -> None:
        self.path, self.pid = path, pid
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{path}: in use by {holder}; stop it, or use another database_path and temp_save_path")


class DatabaseBusy(DatabaseError):
    code = "database_busy"

    def __init__(self, detail: str) -> None:
        super().__init__(f"the database cannot be used now: {detail}")


class DatabaseNotUpgradable(DatabaseError):
    code = "database_not_upgradable"

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"{url}: cannot be upgraded: {detail}")


class SubmissionError(DeepPredictorError):
    code = "refused"


class MissingField(SubmissionError):
    code = "missing_field"

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"the field '{field}' is missing")


class EmptyField(SubmissionError):
    code = "empty_field"

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"the field '{field}' is empty")


class InvalidUploadBody(SubmissionError):
    code = "invalid_body"

    def __init__(self, detail: str) -> None:
        super().__init__(f"the body cannot be read: {detail}")


class WrongApiKey(SubmissionError):
    code = "wrong_api_key"

    def __init__(self) -> None:
        super().__init__("the api key is wrong")


class NoCredential(SubmissionError):
    code = "no_credential"

    def __init__(self) -> None:
        super().__init__("neither a recaptcha answer nor an api key was given")


class ForeignOrigin(SubmissionError):
    code = "foreign_origin"

    def __init__(self, header: str) -> None:
        super().__init__(f"this is for this server's own pages; the {header} header names another site")


class RecaptchaRefused(SubmissionError):
    code = "recaptcha_refused"

    def __init__(self) -> None:
        super().__init__("the recaptcha answer was refused")


class RecaptchaUnreachable(SubmissionError):
    code = "recaptcha_unreachable"

    def __init__(self, detail: str) -> None:
        super().__init__(f"the recaptcha service is out of reach: {detail}")


class InvalidPredictionId(SubmissionError):
    code = "invalid_prediction_id"

    def __init__(self, expected_length: int) -> None:
        self.expected_length = expected_length
        super().__init__(f"a prediction_id has {expected_length} characters out of A-Z a-z 0-9 . _ ~ -")


class UnknownPredictor(SubmissionError):
    code = "unknown_predictor"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"there is no predictor {name!r}; there are: {', '.join(known) or 'none'}")


class UnsupportedExtension(SubmissionError):
    code = "unsupported_extension"

    def __init__(self, extension: str, supported: Sequence[str]) -> None:
        self.extension, self.supported = extension, tuple(supported)
        super().__init__(f"the extension {extension!r} is not supported; supported are: {', '.join(supported)}")


class VideoSupportMissing(UnsupportedExtension):
    code = "video_support_missing"

    def __init__(self) -> None:
        SubmissionError.__init__(
            self, "videos need PyAV: .venv/bin/python -m pip install -r other/requirements/video.txt"
        )


class VideoNotTakenHere(UnsupportedExtension):
    code = "video_not_taken_here"

    def __init__(self) -> None:
        SubmissionError.__init__(self, "this address takes pictures; send videos to POST /upload")


class VideoTooLarge(SubmissionError):
    code = "video_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Your video is too large: at most {limit_bytes} bytes are taken")


class VideoTooLong(SubmissionError):
    code = "video_too_long"

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"Your video is too long: at most {limit_seconds:g} seconds are taken")


class VideoFrameTooLarge(SubmissionError):
    code = "video_frame_too_large"

    def __init__(self, limit_pixels: int) -> None:
        super().__init__(f"The frames of your video are too large: at most {limit_pixels} pixels are taken")


class PredictionIdUsed(SubmissionError):
    code = "prediction_id_used"

    def __init__(self, prediction_id: str) -> None:
        self.prediction_id = prediction_id
        super().__init__(f"the prediction_id {prediction_id} was already used")


class QueueFull(SubmissionError):
    code = "queue_full"

    def __init__(self, predictor_name: str, retry_after_seconds: int) -> None:
        self.predictor_name, self.retry_after_seconds = predictor_name, retry_after_seconds
        super().__init__(f"the queue of {predictor_name!r} is full")


class TooManyWaiting(SubmissionError):
    code = "too_many_waiting"

    def __init__(self, retry_after_seconds: int = 1) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__("too many requests are waiting for a prediction")


class PredictionNotFound(DeepPredictorError):
    code = "prediction_not_found"

    def __init__(self, prediction_id: str) -> None:
        self.prediction_id = prediction_id
        super().__init__(f"there is no prediction {prediction_id}")


class NotExplainable(DeepPredictorError):
    """`detail` is for who asked. `code`: FAILED where another try may do better."""

    code = "not_explainable"
    FAILED = "explanation_failed"

    def __init__(self, detail: str, code: str = "not_explainable") -> None:
        self.detail, self.code = detail, code
        super().__init__(detail)


class UnsafeModel(DeepPredictorError):
    """Raised before anything of the file is deserialised. `findings` names each layer or op that was refused."""

    code = "unsafe_model"

    def __init__(self, path: Path, findings: Sequence[str]) -> None:
        self.path, self.findings = path, tuple(findings)
        super().__init__(f"{path}: refused as unsafe: {'; '.join(findings)}")


class TrainingError(DeepPredictorError):
    code = "training_failed"


class DatasetUnusable(TrainingError):
    code = "dataset_unusable"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the data set cannot be trained on: {detail}")


class TrainingDiverged(TrainingError):
    code = "training_diverged"

    def __init__(self, epoch: int, loss: float, learning_rate: float) -> None:
        super().__init__(
            f"the loss became {loss} in epoch {epoch}; a learning_rate under {learning_rate:g} may help, "
            "or the input's scale, mean and std are wrong"
        )


class CheckpointUnusable(TrainingError):
    code = "checkpoint_unusable"

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path} cannot be gone on from: {detail}")


class TrainingCancelled(TrainingError):
    code = "training_cancelled"

    def __init__(self) -> None:
        super().__init__("the run was cancelled")


class RunFolderUnusable(TrainingError):
    code = "run_folder_unusable"

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")


class ModelFolderUnwritable(TrainingError):
    code = "model_folder_unwritable"

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}")


class ModelNotServable(TrainingError):
    """A trained model that the server would refuse: found before its folder takes its place."""

    code = "model_not_servable"

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: the server could not serve it: {detail}")


class ModelNotFound(TrainingError):
    """What was named is no run, no model folder, or not one that can be measured."""

    code = "model_not_found"

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}")


class ArchitectureUnusable(TrainingError):
    code = "architecture_unusable"

    def __init__(self, name: str, detail: str) -> None:
        self.name = name
        super().__init__(f"the architecture {name!r} cannot be built: {detail}")


class ConversionFailed(TrainingError):
    code = "conversion_failed"

    def __init__(self, path: Path, to: str, detail: str) -> None:
        self.path, self.to = path, to
        super().__init__(f"{path}: cannot be exported to {to}: {detail}")


class OutputUnwritable(TrainingError):
    """What a command should write is in use, is not ours to replace, or is refused by the disk."""

    code = "output_unwritable"

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}")


class CutoutFailed(TrainingError):
    code = "cutout_failed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"nothing was cut out: {detail}")


class SearchWithoutResult(TrainingError):
    code = "search_without_result"

    def __init__(self, trial_count: int, reasons: Sequence[str]) -> None:
        shown = "; ".join(reasons[:3]) or "none was run"
        super().__init__(f"none of {trial_count} trials ended with a figure: {shown}")


class TrialOver(DeepPredictorError):
    """Raised by the watcher of a search's trial: the rest of the run is not wanted. Nothing is wrong."""

    code = "trial_over"

    def __init__(self) -> None:
        super().__init__("the trial is over")


class TrainingJobNotFound(DeepPredictorError):
    code = "training_job_not_found"

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        super().__init__(f"there is no training job {job_id}")


class TrainingJobNotResumable(DeepPredictorError):
    code = "training_job_not_resumable"

    def __init__(self, job_id: int, state: str) -> None:
        self.job_id, self.state = job_id, state
        super().__init__(f"training job {job_id} is {state}; only a failed or cancelled one can be resumed")


class RequestInvalid(DeepPredictorError):
    """A body or query does not fit what the address takes. `problems`: (where, what), all of them."""

    code = "request_invalid"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{where}: {what}" if where else what for where, what in problems))


class NotFound(DeepPredictorError):
    """There is no `kind` ("dataset", "item", "user", …) by this id or name."""

    code = "not_found"

    def __init__(self, kind: str, key: object) -> None:
        self.code = f"{kind}_not_found"
        super().__init__(f"there is no {kind.replace('_', ' ')} {key!r}")


class NameTaken(DeepPredictorError):
    code = "name_taken"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is a {kind} of the name {name!r} already")


class StateConflict(DeepPredictorError):
    """What was asked does not fit how things stand; `message` says how they do."""

    code = "state_conflict"

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class ContentRefused(DeepPredictorError):
    """An upload holds what cannot be used, or what must not be; `message` is for who sent it."""

    code = "content_refused"

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class TooLarge(DeepPredictorError):
    code = "too_large"

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"at most {limit_bytes} bytes are taken")


class AccessError(DeepPredictorError):
    """A request may not do what it asks."""


class LoginNeeded(AccessError):
    code = "login_needed"

    def __init__(self) -> None:
        super().__init__("a login or a token is needed")


class CredentialRefused(AccessError):
    """Wrong, expired or revoked; which of them stands in `reason`, for the log only."""

    code = "credential_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the credential is refused: {reason}")


class NotPermitted(AccessError):
    code = "not_permitted"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__(f"this needs the permission {permission}")


class CsrfTokenMissing(AccessError):
    code = "csrf_token_missing"

    def __init__(self) -> None:
        super().__init__("X-CSRF-Token is absent or wrong; GET /api/v1/session tells it")


class TooManyAttempts(AccessError):
    code = "too_many_attempts"

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"too many wrong attempts; try again in {retry_after_seconds} s")


class PredictionError(DeepPredictorError):
    """Ends a prediction with `status`; raised at load, it ends every prediction of that predictor."""

    code = "prediction_failed"
    status = PredictionStatus.MODEL_RAISED


class ModelRaised(PredictionError):
    code = "model_raised"
    status = PredictionStatus.MODEL_RAISED

    def __init__(self, detail: str) -> None:
        super().__init__(f"the model raised: {detail}")


class PredictionTimedOut(PredictionError):
    code = "timed_out"
    status = PredictionStatus.MODEL_RAISED

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(f"no answer within {timeout_seconds:g} seconds")


class TooManyStarts(PredictionError):
    code = "too_many_starts"
    status = PredictionStatus.MODEL_RAISED

    def __init__(self, starts: int) -> None:
        super().__init__(f"the server ended {starts} times while this prediction ran")


class ImageUnreadable(PredictionError):
    code = "image_unreadable"
    status = PredictionStatus.IMAGE_UNREADABLE

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the image cannot be read: {detail}")


class VideoUnreadable(ImageUnreadable):
    code = "video_unreadable"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        PredictionError.__init__(self, f"the video cannot be read: {detail}")


class ResultInvalid(PredictionError):
    code = "result_invalid"
    status = PredictionStatus.RESULT_INVALID


class NamesDoNotFit(ResultInvalid):
    code = "names_do_not_fit"

    def __init__(self, path: Path, line_count: int, word_count: int, output_count: int) -> None:
        super().__init__(
            f"{path}: {line_count} names by line, {word_count} by white space, but the model has {output_count} outputs"
        )


class ImageNotStored(PredictionError):
    code = "image_not_stored"
    status = PredictionStatus.IMAGE_NOT_STORED


class BackendNotReady(PredictionError):
    """`code` says publicly what is wrong: model_missing, model_unsafe, library_missing, config, stuck…"""

    status = PredictionStatus.BACKEND_NOT_READY

    def __init__(self, detail: str, code: str = "backend_not_ready") -> None:
        self.code = code
        super().__init__(detail)


class EngineGone(BackendNotReady):
    """The process that runs a network ended too often to be started again."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code="model_crashed")


class UnsupportedTensorflowVersion(PredictionError):
    code = "tensorflow_version"
    status = PredictionStatus.TENSORFLOW_VERSION_UNSUPPORTED

    def __init__(self, version: object) -> None:
        super().__init__(f"tensorflow_version must be 1 or 2 (got {version!r})")


class UnknownBackend(PredictionError):
    code = "unknown_backend"
    status = PredictionStatus.BACKEND_UNKNOWN

    def __init__(self, name: object, known: Sequence[str]) -> None:
        super().__init__(f"predictor_backend {name!r} is unknown; known are: {', '.join(known)}")
