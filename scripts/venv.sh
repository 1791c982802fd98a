#!/usr/bin/env bash
# Makes .venv with the Python that pick-python.sh finds. $1, if given, is the Python to use.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(scripts/pick-python.sh "$@")
echo "making .venv with $python" >&2
"$python" -m venv --clear .venv
