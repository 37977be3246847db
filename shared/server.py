"""The HTTP servers: gunicorn for the web role, and a small one for a worker's health and numbers."""

from __future__ import annotations

import gc
import os
import select
import signal
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.settings import Settings, SettingsError


class _Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, but for its end: who has connected is answered, and the next is refused at once.

    gunicorn itself goes on listening while it finishes, answers nobody, and drops who came meanwhile. A gateway tries
    elsewhere when a connection is refused; a request that was dropped it cannot send again.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called by the loop; the last time, it is for good."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                while select.select([listener], [], [], 0)[0]:
                    self.accept(listener)
                listener.close()


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn, threaded, around one WSGI application that is made in the worker, after the fork.

    `on_ready` is called in the arbiter once it listens, `on_exit` in the worker when its last request is answered.
    """

    def __init__(
        self,
        make_application: Callable[[], Any],
        settings: Settings,
        *,
        on_ready: Callable[[], None] = lambda: None,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        self._make_application = make_application
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._options = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": 1,
            "worker_class": _Worker,
            "threads": settings.web_threads,
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
            "accesslog": None,
            "when_ready": self._when_ready,
            "post_worker_init": self._after_fork,
            "worker_exit": self._before_exit,
        }
        super().__init__()

    def _when_ready(self, _arbiter: Any) -> None:
        """Ctrl-C ends the requests in hand, as SIGTERM does; gunicorn's own answer to it drops them."""
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self._on_ready()

    def _after_fork(self, _worker: Any) -> None:
        """A terminal sends Ctrl-C to the worker too: the arbiter alone decides. The application is loaded by now."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        calm_collector()

    def _before_exit(self, _arbiter: Any, _worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGQUIT):  # a second one must not cut the clean-up short
            signal.signal(number, signal.SIG_IGN)
        self._on_exit()

    def load_config(self) -> None:
        """Hands our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The WSGI application."""
        return self._make_application()


def calm_collector() -> None:
    """Looks for cycles a hundred times less often, and never among what was loaded at the start.

    A request makes a thousand short-lived objects without cycles, and a batch of a thousand events ten times as many:
    looking through all the modules for each of them took half of a worker's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


class Monitor:
    """Serves a worker's health and metrics on MPP_HOST:MPP_PORT, from a thread."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        try:
            self._server = make_server(settings.host, settings.port, app, threaded=True, request_handler=_Silent)
        except (OSError, SystemExit) as error:  # werkzeug exits by itself when the port is taken
            raise SettingsError(
                f"Cannot listen on {settings.host}:{settings.port} for the worker's health and metrics: is another "
                "process there? Set MPP_PORT to a free port."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="monitor", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Silent(WSGIRequestHandler):
    """Probes come every few seconds: they are no news."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing."""
