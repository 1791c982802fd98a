#!/usr/bin/env bash
# Makes the counts of A3 and MNNFast, byte for byte: un-pruned MiniLM on the 512 tokens of minilm-512.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

data=workloads/data
.venv/bin/python -m tokensieve.golden.capture.pairs "$data/minilm-512.txt" "$data/minilm-pairs.npz" minilm \
    "text: public domain (Lewis Carroll, Alice's Adventures in Wonderland, 1865, chapter I); weights: Apache-2.0"
