"""The verbs of the game, by noun."""
