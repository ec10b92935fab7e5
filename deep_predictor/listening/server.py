"""A waitress server with our loop, connections and dispatcher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import waitress

from deep_predictor.listening.channel import Channel
from deep_predictor.listening.loop import Dispatcher, Loop

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def create_server(
    app: WSGIApplication,
    threads: int,
    quick: Callable[[WSGIEnvironment], bool] = lambda environ: False,
    on_stop: Callable[[], None] = lambda: None,
    parser: type | None = None,
    **settings: Any,
) -> Any:
    """A bound server; `run` serves, `close` ends it. Raises OSError when the address cannot be bound.

    `quick`: whether a request of this environ is answered, or parked, without waiting for anything; then the thread
    that receives serves it. `on_stop` is called after a stop signal, when nothing is locked any more. `parser` of
    requests, and `settings`: waitress's own.
    """
    loop = Loop(on_stop)
    dispatcher = Dispatcher(loop)
    dispatcher.set_thread_count(threads)
    server = waitress.create_server(app, _dispatcher=dispatcher, **settings)
    own: dict[str, Any] = {"loop": loop, "quick": staticmethod(quick), **({"parser_class": parser} if parser else {})}
    channel_class = type("ServerChannel", (Channel,), own)
    for listener in [server, *getattr(server, "map", {}).values()]:
        if hasattr(listener, "channel_class"):
            listener.channel_class = channel_class
            loop.wake = listener.pull_trigger
    server.asyncore = loop
    return server
