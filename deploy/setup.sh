#!/bin/sh
# Makes .venv and installs into it. `sh deploy/setup.sh` for what runs, `sh deploy/setup.sh dev` for what tests too.
# Plain sh, so that a machine without a usable Python gets a sentence instead of a stack trace.
set -eu
cd "$(dirname "$0")/.."
EXTRA=${1:-}

fail() {
    printf 'ma-petite-planete: %s\n' "$*" >&2
    exit 1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    found=$(command -v python3 >/dev/null 2>&1 && python3 --version 2>&1 || echo "none at all")
    fail "Python 3.11 or newer is needed, and this machine has $found. Install it (Debian: apt install python3 python3-venv), or name it: make setup PYTHON=/path/to/python3.11"
}

free_kib=$(df -Pk . | awk 'NR == 2 {print $4}')
[ "$free_kib" -ge 512000 ] || fail "Only $((free_kib / 1024)) MB are free on this disk: free 500 MB first."

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "this Python has no venv module. On Debian or Ubuntu: apt install python3-venv, then run this again."
    rm -rf .venv
    "$python" -m venv .venv || fail "the virtual environment could not be made: see the message above, then run this again."
fi

echo "Installing packages (about a minute the first time)"
.venv/bin/python -m pip install --disable-pip-version-check --constraint requirements.lock \
    --editable ".${EXTRA:+[$EXTRA]}" ||
    fail "the packages could not be installed: see the message above (no network? a full disk?), then run this again."
.venv/bin/python deploy/front_end.py || fail "the front-end libraries could not be fetched: see above, then run this again."
touch .venv/.ready
[ -z "$EXTRA" ] || touch ".venv/.ready-$EXTRA"
