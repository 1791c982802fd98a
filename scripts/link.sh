#!/usr/bin/env bash
# Builds .link/tokensieve out of links, in the shape in which the package is installed: type checkers and import-linter
# read folders and know nothing of setuptools' package map.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .link/tokensieve
find .link/tokensieve -type l -delete
for path in tokensieve/* explore golden rtl sim workloads; do
    [ "${path##*/}" = __pycache__ ] || ln -s "../../$path" .link/tokensieve/
done
