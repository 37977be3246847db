"""Moving house: everything of an installation into one file, and from the file into new databases.

From the embedded mode (SQLite) to PostgreSQL, back, or from one PostgreSQL to another. What a file holds and how it is
proven: `archive.py`, `rows.py`; what an operator types: `command.py`.
"""
