#!/usr/bin/env bash
# Prints the first Python on PATH that this project runs on. $1, if given, is the only candidate.
set -euo pipefail

usable='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'   # requires-python of pyproject.toml
without_venv=
for name in ${1:-python3.13 python3.12 python3.11 python3 python}; do
    "$name" -c "$usable" >/dev/null 2>&1 || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$name" -c 'import sys; print(sys.executable)'
        exit 0
    fi
    without_venv=${without_venv:-$name}
done

if [ -n "$without_venv" ]; then
    echo "error: $without_venv has no venv module; on Debian or Ubuntu: apt-get install ${without_venv##*/}-venv" >&2
else
    echo "error: no Python 3.11, 3.12 or 3.13 on PATH; install one, or say where it is: make PYTHON=/path/to/python3" >&2
fi
exit 3
