#!/usr/bin/env bash
# Makes the traces that ship with the package, byte for byte: MiniLM on the 512 tokens of minilm-512.txt, with all values
# kept (-whole), and with local value pruning.
set -euo pipefail
cd "$(dirname "$0")/.."

data=workloads/data
make_trace() {
    .venv/bin/tokensieve capture \
        --model minilm \
        --text "$data/minilm-512.txt" \
        --keep 0.9,0.5 --head-keep 0.95,0.75 \
        --licence "text: public domain (Lewis Carroll, Alice's Adventures in Wonderland, 1865, chapter I); weights: Apache-2.0" \
        "$@"
}
make_trace --out "$data/minilm-512-whole.npz"
make_trace --value-keep 0.5 --out "$data/minilm-512.npz"
