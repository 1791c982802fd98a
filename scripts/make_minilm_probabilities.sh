#!/usr/bin/env bash
# Makes the rows of the score distribution `minilm`, byte for byte: un-pruned MiniLM on the 512 tokens of minilm-512.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

data=workloads/data
.venv/bin/python -m tokensieve.golden.capture.probabilities "$data/minilm-512.txt" "$data/minilm-probabilities.npz"
