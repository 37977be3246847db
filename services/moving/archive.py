"""The file: a zip of one member per table (its rows as lines) and, last, a manifest that says what must be in them."""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from services.moving.rows import Digest
from shared.settings import SettingsError

FORMAT = 1
MANIFEST = "manifest.json"
ENTRY_TIME = (1980, 1, 1, 0, 0, 0)


class TableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a table held."""

    columns: list[str]
    rows: int
    checksum: str


class ServiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's database held, and the migration it was at."""

    revision: str
    tables: dict[str, TableFacts]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. `has_demo`: accounts whose password everybody knows."""

    format: int = FORMAT
    made_at: datetime
    has_demo: bool
    services: dict[str, ServiceFacts]


class ArchiveWriter:
    """Writes the members, one after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=4)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._zip.fp = None  # it would go on writing when it is collected

    def write_table(self, service: str, table: str, columns: list[str], lines: Iterable[bytes]) -> TableFacts:
        """Writes one table; returns what it held."""
        digest = Digest()
        with self._zip.open(_entry(f"{service}/{table}.jsonl"), "w", force_zip64=True) as member:
            for line in lines:
                digest.add(line)
                member.write(line + b"\n")
        return TableFacts(columns=columns, rows=digest.rows, checksum=digest.checksum)

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest: without it the file is none of ours."""
        self._zip.writestr(_entry(MANIFEST), msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        self._zip.close()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ENTRY_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[IO[bytes]]:
    """A new file that appears under its name only when the block has ended well; its owner alone may read it.

    Raises SettingsError when there is such a file already, or its folder cannot be written.
    """
    beside = path.with_name(f"{path.name}.part")
    if path.exists():
        raise SettingsError(f"{path} exists: name another file, so that nothing is overwritten.")
    try:
        beside.unlink(missing_ok=True)  # of an export that was killed
        file = os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}. Name a file in another folder.") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        folder = os.open(path.resolve().parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}. Free some room, or name a file on another disk."
        ) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class Archive:
    """A file that was exported, open for reading. Raises SettingsError for one that is not, or is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = msgspec.json.decode(self._zip.read(MANIFEST), type=Manifest)
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}. Name a file of `export-data`.") from error
        except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError) as error:
            raise self._damaged("it is no file of `export-data`, or not all of it") from error
        if self.manifest.format != FORMAT:
            raise SettingsError(
                f"{path} has format {self.manifest.format}, and this version reads {FORMAT}: "
                "import it with the version that exported it."
            )

    def close(self) -> None:
        """Lets go of the file."""
        self._zip.close()

    def lines(self, service: str, table: str) -> Iterator[bytes]:
        """The rows of one table, as lines without their end."""
        try:
            with self._zip.open(f"{service}/{table}.jsonl") as member:
                for line in member:
                    yield line.rstrip(b"\n")
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, zlib.error) as error:
            raise self._damaged(f"{service}/{table} cannot be read") from error

    def check(self) -> None:
        """Reads all of it once and compares with the manifest, before anything is written anywhere."""
        for service, facts in self.manifest.services.items():
            for table, expected in facts.tables.items():
                digest = Digest()
                for line in self.lines(service, table):
                    digest.add(line)
                if (digest.rows, digest.checksum) != (expected.rows, expected.checksum):
                    raise self._damaged(f"{service}/{table} is not what was exported")

    def _damaged(self, what: str) -> SettingsError:
        return SettingsError(f"{self.path} is damaged ({what}): copy it again from where it was made, or export again.")
