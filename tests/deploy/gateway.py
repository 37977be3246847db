"""The real gateway on loopback, in front of four tiny services that remember what they were asked."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.deploy.commands import ROOT, SERVICES
from tests.servers.process import MissingServer, OwnServer, answers, free_ports

CADDYFILE = ROOT / "deploy" / "Caddyfile"
MISSING = "Caddy is not installed: apt install caddy (and stop its service)."


class TinyService:
    """Answers 200 with its own name and what `answer` says; keeps the paths and headers it was asked with."""

    def __init__(self, name: str, port: int, answer: Callable[[BaseHTTPRequestHandler], None] | None = None) -> None:
        self.name = name
        self.port = port
        self.answer = answer or self.say_name
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._server: ThreadingHTTPServer | None = None

    def say_name(self, handler: BaseHTTPRequestHandler) -> None:
        """The usual answer."""
        respond(handler, {"Content-Type": "text/html; charset=utf-8"}, f"<p>{self.name}</p>" * 100)

    def start(self) -> None:
        """Listens."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            # HTTP/1.0: a connection for each request, so that nothing is left of a service that has stopped.
            def do_GET(self) -> None:
                service.asked.append((self.path, dict(self.headers)))
                service.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_request: object) -> None:
                """A gateway that hangs up is no news."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def respond(handler: BaseHTTPRequestHandler, headers: dict[str, str], body: str) -> None:
    """A complete answer."""
    handler.send_response(200)
    for name, value in (headers | {"Content-Length": str(len(body.encode()))}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body.encode())


def shows_a_certificate(port: int, host: str) -> bool:
    """Whether a TLS handshake for a host succeeds on a port of 127.0.0.1; whose certificate, is not asked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as plain:
            context.wrap_socket(plain, server_hostname=host).close()
    except OSError:  # an SSLError is one
        return False
    return True


class Gateway(OwnServer):
    """Caddy with deploy/Caddyfile, as the container runs it but for its ports and its neighbours."""

    name = "caddy"
    variable = "PATH"

    def __init__(self, public_url: str = "", patience: str = "300ms", **options: Any) -> None:
        program = shutil.which("caddy")
        if program is None:
            raise MissingServer(MISSING)
        self._program = program
        self.http_port, self.https_port, *ports = free_ports(2 + len(SERVICES))
        self.public_url = public_url or f"http://127.0.0.1:{self.http_port}"
        self.services = {name: TinyService(name, port) for name, port in zip(SERVICES, ports, strict=True)}
        self._patience = patience
        super().__init__(**options)

    @property
    def address(self) -> str:
        """Where a client finds it on this machine."""
        asked = urlsplit(self.public_url)
        return f"{asked.scheme}://{asked.hostname}:{self.https_port if asked.scheme == 'https' else self.http_port}"

    @property
    def root_certificate(self) -> Path:
        """What Caddy signs the certificate of localhost with."""
        return self.folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def command(self) -> Sequence[str]:
        """Caddy in the foreground, its settings in the environment."""
        environment = {
            "XDG_DATA_HOME": self.folder,
            "XDG_CONFIG_HOME": self.folder,
            "PUBLIC_URL": self.public_url,
            "GATEWAY_BIND": "127.0.0.1",
            "GATEWAY_HTTP_PORT": self.http_port,
            "GATEWAY_HTTPS_PORT": self.https_port,
            "GATEWAY_PATIENCE": self._patience,
            "GATEWAY_FILES": ROOT / "deploy" / "gateway",
        }
        for name, service in self.services.items():
            environment |= {f"{name.upper()}_HOST": "127.0.0.1", f"{name.upper()}_PORT": service.port}
        settings = [f"{name}={value}" for name, value in environment.items()]
        return ["env", *settings, self._program, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]

    def is_ready(self) -> bool:
        """Whether it listens, and with TLS also has its certificate, which it makes after it has begun to listen."""
        asked = urlsplit(self.public_url)
        has_tls = asked.scheme == "https"
        return answers(self.http_port) and (
            not has_tls or shows_a_certificate(self.https_port, asked.hostname or "localhost")
        )
