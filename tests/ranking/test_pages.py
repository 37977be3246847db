from __future__ import annotations

from tests.house import House


def test_the_counters_fragment_is_public_and_in_the_readers_language(house: House) -> None:
    client = house.client("ranking")
    assert "challenges done" in client.get("/ranking/counters?lang=en").text
    page = client.get("/ranking/counters", headers={"Accept-Language": "fr-CA"})
    assert page.status_code == 200
    assert "défis réalisés" in page.text
