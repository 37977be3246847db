"""Servers in containers, where a Docker engine answers."""

from __future__ import annotations

import contextlib
import os
import socket
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.servers.process import Running

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer


@cache
def docker_answers() -> bool:
    """Whether a Docker engine answers where DOCKER_HOST says, or at its usual place."""
    place = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    family = socket.AF_UNIX if place.scheme == "unix" else socket.AF_INET
    try:
        # By hand first: docker's own client leaves its socket open when nobody answers.
        with socket.socket(family) as probe:
            probe.settimeout(5)
            probe.connect(place.path if place.scheme == "unix" else (place.hostname, place.port or 2375))
    except OSError:
        return False
    import docker

    with contextlib.closing(docker.from_env(timeout=5)) as client:
        return bool(client.ping())


def running(container: DockerContainer, address: str) -> Running:
    """A started container, told so that another process can use and remove it."""
    return Running(address=address, container=container.get_wrapped_container().id or "")


def leave_to_the_end() -> None:
    """Keeps testcontainers from removing what it starts as soon as the process that asked for it has finished.

    The processes of xdist share the containers and finish at different times: the first of them removes everything.
    """
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True


def remove(container: str) -> None:
    """Removes a container and its data."""
    import docker
    from docker.errors import NotFound

    with contextlib.closing(docker.from_env()) as client, contextlib.suppress(NotFound):
        client.containers.get(container).remove(force=True, v=True)
