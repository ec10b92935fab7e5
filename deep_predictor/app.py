"""create_app: the one place that builds and connects everything."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.config.logging_config import configure_logging, load_logging_config
from deep_predictor.config.main_config import EnvironmentConfig, MainConfig, load_main_config
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.config.public_address import check_bind_address
from deep_predictor.config.secrets import derive_key, ensure_secret_key
from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.datasets.pictures import PictureRules
from deep_predictor.db.account_rows import AccountRows
from deep_predictor.db.dataset_rows import DatasetRows
from deep_predictor.db.file_lock import DatabaseLock
from deep_predictor.db.model_rows import ModelRows
from deep_predictor.db.oauth_rows import OAuthRows
from deep_predictor.db.setup import engine_for, init_databases, rows_for, training_job_rows_for
from deep_predictor.engines.explain_process import ExplainProcess
from deep_predictor.engines.judging import JudgeSettings
from deep_predictor.engines.room import EngineRoom
from deep_predictor.environment import Application, Environment
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.images.result_files import ResultFiles
from deep_predictor.images.storage import ImageStore
from deep_predictor.live.feed import LiveFeed
from deep_predictor.management import EXTENSION as MANAGEMENT
from deep_predictor.management import Management
from deep_predictor.os_limits import usable_cores
from deep_predictor.predictions.explanations import Explanations
from deep_predictor.predictions.pixel_budget import PixelBudget
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.recovering import recover
from deep_predictor.predictions.registry import Registry
from deep_predictor.predictions.run_gate import RunGate
from deep_predictor.predictions.video_queue import VideoQueue
from deep_predictor.predictions.waiting import WaitSlots
from deep_predictor.publishing.examples import Examples
from deep_predictor.publishing.library import ModelLibrary
from deep_predictor.runs.starting import Runs
from deep_predictor.training.job_run import JobSettings
from deep_predictor.training.jobs import TrainingJobs
from deep_predictor.web.registration import register_web

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DEFAULT_CONFIG_PATH = Path("cfg/deep_predictor.cfg")


@dataclass(frozen=True)
class AppOptions:
    """What the starter knows and the cfg file does not. `create_app(overrides=…)` replaces single fields."""

    #: The address that will be bound; some settings are refused on a public one.
    bind_host: str = "127.0.0.1"
    #: Threads of the web server; waiting requests leave four of them free.
    web_threads: int = 16
    #: None leaves logging as it is.
    loggers_path: Path | None = Path("cfg/loggers.cfg")
    #: Secrets are looked up here first.
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    #: Bytes of decoded pictures that may wait in memory.
    pixel_budget_bytes: int | None = None
    #: Whether the web server can do websockets; waitress cannot.
    websockets: bool = False
    #: False leaves loading to the caller: `application.registry.start()`.
    load_predictors: bool = True


def create_app(config_path: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the Flask application and start loading its predictors.

    `overrides` names fields of AppOptions. Relative paths are relative to the project's root.
    Raises ConfigError with all problems at once, DatabaseInUse, DatabaseNotUpgradable, DatabaseBusy.
    """
    options = replace(AppOptions(), **(overrides or {}))
    main_config = load_main_config(PROJECT_ROOT / (config_path or DEFAULT_CONFIG_PATH), PROJECT_ROOT, options.environ)
    check_bind_address(main_config, options.bind_host)
    if options.loggers_path:
        configure_logging(load_logging_config(PROJECT_ROOT / options.loggers_path, PROJECT_ROOT))

    app = Flask(
        "deep_predictor",
        root_path=str(PROJECT_ROOT),
        static_folder=str(PROJECT_ROOT / "static"),
        template_folder=str(PROJECT_ROOT / "templates"),
        instance_path=str(PROJECT_ROOT / "var"),
    )
    _configure_flask(app, main_config)
    app.config["WEBSOCKETS"] = options.websockets
    _make_folders(main_config)
    locks = _lock_databases(main_config)
    try:
        application = _connect(app, main_config, options)
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    application.closers[:0] = [lock.release for lock in locks]
    app.extensions["deep_predictor"] = application
    management = _connect_management(app, application)
    app.extensions[MANAGEMENT] = management
    register_web(app)
    management.models.restore()
    for environment in application.environments:
        recover(environment)
        environment.keep_house()
    management.jobs.begin()
    if options.load_predictors:
        application.registry.start()
    return app


def _configure_flask(app: Flask, main_config: MainConfig) -> None:
    secret_key = ensure_secret_key(main_config, PROJECT_ROOT / "var")
    app.secret_key = derive_key(secret_key, "session")
    app.config["CSRF_KEY"] = derive_key(secret_key, "csrf")
    app.config["TOKEN_KEY"] = derive_key(secret_key, "token")
    app.config["MAX_CONTENT_LENGTH"] = main_config.flask_options.max_content_length
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.debug = main_config.flask_options.debug


def _judge_settings(main_config: MainConfig, stopping: threading.Event) -> JudgeSettings:
    options = main_config.engine_options
    return JudgeSettings(
        cores=options.cores or usable_cores(),
        memory_limit=options.trial_memory_mb * 1_000_000,
        seconds=options.trial_seconds,
        timing_seconds=options.timing_seconds,
        cache_folder=PROJECT_ROOT / options.cache_folder,
        is_stopping=stopping.is_set,
    )


def _make_folders(main_config: MainConfig) -> None:
    """Raises ConfigError with every folder that cannot be made."""
    problems = []
    for name in ("production", "test"):
        database_file = main_config.database_file(name)
        temp_folder = main_config.environment(name).path_options.temp_save_path
        wanted = {"temp_save_path": temp_folder, "database_path": database_file.parent if database_file else None}
        for key, folder in wanted.items():
            try:
                if folder:
                    folder.mkdir(parents=True, exist_ok=True)
            except (OSError, ValueError) as error:
                message = f"the folder {folder} cannot be made: {getattr(error, 'strerror', None) or error}"
                problems.append(ConfigProblem(main_config.file, f"{name}.path_options.{key}", message))
    if problems:
        raise ConfigError(problems)


def _lock_databases(main_config: MainConfig) -> list[DatabaseLock]:
    """Take the lock beside each file database and in each temp folder. Raises DatabaseInUse; then none is held."""
    locks: list[DatabaseLock] = []
    try:
        for environment_name in ("production", "test"):
            temp_folder = main_config.environment(environment_name).path_options.temp_save_path
            for path in (main_config.database_file(environment_name), temp_folder / ".uploads"):
                if path is None:
                    continue
                lock = DatabaseLock(path)
                lock.acquire()
                locks.append(lock)
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    return locks


def _connect_management(app: Flask, application: Application) -> Management:
    main_config = application.main_config
    library_options = main_config.library_options
    engine = engine_for(app, "production")
    settings = JobSettings(
        max_running={"training": library_options.max_running_trainings, "data": 1},
        allow_python=library_options.allow_python_architectures,
    )
    jobs = TrainingJobs(training_job_rows_for(app), PROJECT_ROOT / library_options.runs_folder, settings)
    datasets = DatasetLibrary(DatasetRows(engine), library_options, PROJECT_ROOT, jobs, _picture_rules(main_config))
    models = ModelLibrary(ModelRows(engine), library_options, application, jobs)
    feed = LiveFeed(jobs)
    application.closers += [jobs.close, feed.close]
    return Management(
        accounts_options=main_config.accounts_options,
        library_options=library_options,
        accounts=Accounts(
            AccountRows(engine), OAuthRows(engine), main_config.accounts_options, app.config["TOKEN_KEY"]
        ),
        datasets=datasets,
        jobs=jobs,
        runs=Runs(jobs, datasets, library_options, PROJECT_ROOT, settings),
        models=models,
        examples=Examples(jobs, models, library_options.examples, PROJECT_ROOT),
        feed=feed,
    )


def _picture_rules(main_config: MainConfig) -> PictureRules:
    """A data set takes the pictures that may be uploaded."""
    options = main_config.production.upload_options
    return PictureRules(
        options.supported_extensions,
        int(options.max_image_megapixels * 1_000_000),
        main_config.flask_options.max_content_length,
    )


def _connect(app: Flask, main_config: MainConfig, options: AppOptions) -> Application:
    dispose_databases = init_databases(app, main_config)
    gate, stopping = RunGate(), threading.Event()
    videos = VideoQueue(gate)
    budget = PixelBudget(options.pixel_budget_bytes) if options.pixel_budget_bytes is not None else PixelBudget()

    def environment(name: str, config: EnvironmentConfig) -> Environment:
        entries = config.prediction_options.predictors
        return Environment(
            name=name,
            root=PROJECT_ROOT,
            config=config,
            predictors={
                e.name: Predictor(e.name, partial(load_predictor_config, e.cfg_path, PROJECT_ROOT), gate, stopping)
                for e in entries
            },
            rows=rows_for(app, name),
            images=ImageStore(config.path_options.temp_save_path),
            results=ResultFiles(config.path_options.results_folder),
            pixel_budget=budget,
            videos=videos,
            database_name=hashlib.sha256(main_config.database_url(name).encode()).hexdigest(),
        )

    production = environment("production", main_config.production)
    test = environment("test", main_config.test)
    judging = _judge_settings(main_config, stopping)
    return Application(
        main_config=main_config,
        production=production,
        test=test,
        registry=Registry(
            [*production.predictors.values(), *test.predictors.values()],
            EngineRoom(judging),
        ),
        wait_slots=WaitSlots.for_threads(options.web_threads),
        run_gate=gate,
        stopping=stopping,
        explanations=Explanations(ExplainProcess(judging.cores, judging.memory_limit)),
        closers=[dispose_databases],
    )
