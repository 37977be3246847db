"""The HTML pages of leagues: the player's day, recording, joining, leading, editions."""

from __future__ import annotations

from services.leagues.pages import editions, grid, joining, leading, recording, stories, teams, today

BLUEPRINTS = [
    today.blueprint,
    stories.blueprint,
    recording.blueprint,
    grid.blueprint,
    joining.blueprint,
    leading.blueprint,
    teams.blueprint,
    editions.blueprint,
]
