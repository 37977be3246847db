"""A whole edition, played through the same domain verbs and the same events as by people; and the proof of its boards.

Nothing here writes a table: tenants are founded, leagues opened and completions recorded by the services' own verbs.
Nothing here grows with the size of the edition either: leagues are read page by page, and what a player is like is
drawn again from the seed each day.
"""
