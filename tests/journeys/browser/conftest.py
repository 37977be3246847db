"""A real browser on the real services: the demo's people go from page to page.

The screenshots of each step are kept in build/screenshots/<test>/, for a person to leaf through.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.journeys.browser.reader import Reader
from tests.journeys.process import ROOT, Services, start_services

SCREENSHOTS = ROOT / "build" / "screenshots"
READERS = ["fr-phone", "en-desktop"]
if os.environ.get("TEST_EVERY_LOOK"):
    READERS += ["fr-desktop", "en-phone"]
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The four services with the demo edition; all readers come from one address, and there are many."""
    limits = {"MPP_SIGN_IN_ATTEMPTS_PER_ADDRESS": "9999 per minute", "MPP_PUBLIC_FORMS_PER_ADDRESS": "9999 per minute"}
    services = start_services(tmp_path_factory.mktemp("site") / "data", demo=True, env=limits)
    yield services
    services.stop()


@pytest.fixture
def open_reader(site: Services, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Reader]]:
    """Opens a browser for somebody: `size` phone | desktop, `language` fr | en, `scheme` light | dark, `script`.

    `service_worker`: without it each page comes from the server alone, and sooner.
    `at`: the address of a site other than the demo's.
    """
    folder = SCREENSHOTS / re.sub(r"[^\w-]+", "_", request.node.name)
    shutil.rmtree(folder, ignore_errors=True)
    opened: list[Reader] = []

    def open_one(
        size: str = "phone",
        language: str = "fr",
        scheme: str = "light",
        *,
        script: bool = True,
        service_worker: bool = True,
        width: int = 0,
        at: str = "",
    ) -> Reader:
        wide, high = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width or wide, "height": high},
            locale={"fr": "fr-FR", "en": "en-GB"}[language],
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            base_url=at or site.url,
            service_workers="allow" if service_worker else "block",
        )
        context.set_default_timeout(15_000)
        reader = Reader(context, folder, len(opened), has_script=script, language=language)
        opened.append(reader)
        return reader

    yield open_one
    for reader in opened:
        reader.close()


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, open_reader: Callable[..., Reader]) -> Reader:
    """Somebody who reads French on a phone, or English at a desktop; with TEST_EVERY_LOOK=1 the other two as well."""
    language, _, size = str(request.param).partition("-")
    return open_reader(size, language)
