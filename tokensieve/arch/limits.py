"""Limits that machine, workloads, traces and schedules share."""

MAX_TOKENS = 1 << 20
"""Longest context that files and machines may name. A machine's own limit is `topk.max_tokens`."""

MAX_RTL_TOKENS = 1 << 16
"""Longest packet of scores that Verilog is written for: the engine keeps all of it on chip, several times over."""

MAX_PRUNER_TOKENS = 1 << 13
"""Longest sequence of a fixed-length pruner; Verilog that looks at all its scores at once takes 20 s to write."""

MAX_PRUNER_SCORES = 4 * MAX_PRUNER_TOKENS
"""Scores that all its engines hold together."""

MAX_EMBEDDING_BYTES = 1 << 22
"""Embeddings of the longest sequence of a fixed-length pruner."""

MAX_PRUNER_ROWS = 1 << 12
"""Rows of attention probabilities that a fixed-length pruner sums up for a sequence."""
