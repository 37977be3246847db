"""The verbs of ranking: apply what happened, read boards and impact, rebuild, verify, compare."""

from services.ranking.domain.batch import Batch, Revealed, apply, batch_of
from services.ranking.domain.boards import BoardPage, PlayerPosition, StandingLine, read_board, read_position
from services.ranking.domain.comparison import Comparison, compare
from services.ranking.domain.impact import ImpactTotal, read_counters, read_impact
from services.ranking.domain.recompute import Rebuilt, rebuild
from services.ranking.domain.verification import Difference, verify

__all__ = [
    "Batch",
    "BoardPage",
    "Comparison",
    "Difference",
    "ImpactTotal",
    "PlayerPosition",
    "Rebuilt",
    "Revealed",
    "StandingLine",
    "apply",
    "batch_of",
    "compare",
    "read_board",
    "read_counters",
    "read_impact",
    "read_position",
    "rebuild",
    "verify",
]
