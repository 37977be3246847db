"""The JSON API of leagues, by noun."""

from services.leagues.api import completions, editions, leagues, players

BLUEPRINTS = [editions.blueprint, leagues.blueprint, players.blueprint, completions.blueprint]
