"""Writes a numbered migration of one service from what its models say and a migrated database does not.

make migration SERVICE=leagues NUMBER=0002 TEXT="add proofs"
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from shared.database import Database
from shared.migrations import write_migration

service, number, text = sys.argv[1:4]
with tempfile.TemporaryDirectory() as folder:
    write_migration(service, Database(f"sqlite:///{Path(folder) / service}.db"), number, text)
