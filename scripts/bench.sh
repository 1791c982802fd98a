#!/usr/bin/env bash
# Runs the named benchmarks (without .py), or all of them, one after another.
set -euo pipefail
cd "$(dirname "$0")/.."

shopt -s nullglob
files=(benchmarks/[!_]*.py)
if [ $# -gt 0 ]; then
    files=("${@/#/benchmarks/}")
    files=("${files[@]/%/.py}")
fi
for file in "${files[@]}"; do
    echo "== $file"
    .venv/bin/python "$file"
done
