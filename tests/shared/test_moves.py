from __future__ import annotations

import pytest

from shared.pages import local_path


@pytest.mark.parametrize("address", ["/", "/leagues/", "/leagues/?page=2&q=v%C3%A9lo", "/a//b", "/é"])
def test_an_address_of_ours_is_followed(address: str) -> None:
    assert local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "leagues",
        "//evil.example.org",
        "///evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "https://evil.example.org/",
        "http:evil",
        "javascript:alert(1)",
        "/\t/evil.example.org",
        "/\n/evil.example.org",
        " //evil.example.org",
    ],
)
def test_another_origins_is_not(address: str | None) -> None:
    assert local_path(address, "/safe") == "/safe"
