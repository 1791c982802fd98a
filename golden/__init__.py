"""The right answer, bit for bit: quantization, softmax, pruning and top-k in integers."""
