"""Every figure of a challenge's page has its source beside it, on the page and where the challenge is recorded."""

from __future__ import annotations

import pytest

from services.challenges.domain import challenges
from shared.i18n import LANGUAGES
from shared.tenancy import PUBLIC
from tests.house import House
from tests.pages import elements, words_of


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_figure_names_its_source_and_each_page_what_it_was_read_from(loaded_house: House, language: str) -> None:
    with loaded_house.databases["challenges"].transaction(PUBLIC, read_only=True) as session:
        offered = session.execute(challenges.offered_challenges(session, {}, language)).scalars().all()
        sheets = [challenges.sheet_of(version, language) for version in offered]
    figured = [sheet for sheet in sheets if sheet.impact_lines]
    assert len(figured) > 10
    client = loaded_house.client("challenges")
    for sheet in [*figured[:12], *(sheet for sheet in sheets if sheet.sources and not sheet.impact_lines)][:16]:
        for path in (f"/challenges/{sheet.challenge_id}", f"/challenges/fragments/{sheet.challenge_id}"):
            page = client.get(path, headers={"Accept-Language": language}).text
            told = [text for _attributes, text in elements(page, "li")]
            for line in sheet.impact_lines:
                source = " ".join(line["source"].replace("\xa0", " ").split())
                assert any(" ".join(line["means"].split()) in text and f"({source}" in text for text in told), (
                    path,
                    line,
                )
            if sheet.sources:
                assert " · ".join(" ".join(source.split()) for source in sheet.sources) in words_of(page)
