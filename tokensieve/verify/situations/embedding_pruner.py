"""Situations of the fixed-length pruner's embeddings. A vector is one sequence."""

from dataclasses import replace

from tokensieve.verify.situations.base import longest_stall, reset, twin

_EVERY = (
    twin("tokens wait for embeddings before them", "tokens-lost"),
    twin("embeddings wait for a slot", "slot-overwritten"),
    twin("an embedding of a token too many comes", "unbounded"),
    twin("a short sequence's embeddings have come", "short-not-padded"),
    twin("kept tokens wait for their embeddings", "embedding-early"),
    twin("kept tokens wait for others' embeddings to leave", "places-lost"),
    reset("places have been given to some of a sequence's beats", "place-without-reset"),
    reset("embeddings have come in part", "come-without-reset"),
    reset("embeddings have left in part", "least-without-reset"),
    reset("embeddings are in the slots", "whole-without-reset"),
    longest_stall("eo", "impatient-embeddings"),
)

SITUATIONS = tuple(replace(one, fields=(("embedding_beats", 2),)) for one in _EVERY)
