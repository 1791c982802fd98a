#!/usr/bin/env bash
# Makes the trace that ships with the package, byte for byte: MiniLM on the 512 tokens of minilm-512.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

data=workloads/data
.venv/bin/tokensieve capture \
    --model minilm \
    --text "$data/minilm-512.txt" \
    --keep 0.9,0.5 --head-keep 0.95,0.75 --value-keep 0.5 \
    --licence "text: public domain (Lewis Carroll, Alice's Adventures in Wonderland, 1865, chapter I); weights: Apache-2.0" \
    --out "$data/minilm-512.npz"
