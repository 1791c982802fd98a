"""Twin of the fixed-length pruner: tokens alone, or with a store of their embeddings."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.embeddings import Store
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.queue import Fork
from tokensieve.sim.twins.sequences import Tokens


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `beats` and `tokens`, those of each sequence."""
    if arch.pruner.embedding_beats:
        return _with_embeddings(arch, feed)
    tokens, moves = Tokens(arch.pruner, feed.data["beats"]), Moves(sources=["i"], sinks=["o"])
    for cycle in range(feed.cycles):
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, tokens.offers, takes)
        beat = feed.offers("i", cycle) and tokens.takes
        if beat:
            moves.take("i", cycle)
        feed.saw(tokens.states(cycle, beat))
        tokens.step(cycle, beat, takes)
    return moves


def _with_embeddings(arch: Arch, feed: Feed) -> Moves:
    """Return the same where kept tokens go to two sinks: out, and to the store."""
    tokens, fork = Tokens(arch.pruner, feed.data["beats"]), Fork(2)
    store = Store(arch.pruner, feed.data["tokens"])
    moves, both = Moves(sources=["i", "e"], sinks=["o", "eo"]), [True, True]
    for cycle in range(feed.cycles):
        out, embeddings = feed.takes("o", cycle), feed.takes("eo", cycle)
        leaves, places = fork.offers(tokens.offers, both)
        moves.offer("o", cycle, leaves, out)
        moves.offer("eo", cycle, store.offers, embeddings)
        beat = feed.offers("i", cycle) and tokens.takes and store.takes_tokens
        came = feed.offers("e", cycle) and store.takes
        for name, there in (("i", beat), ("e", came)):
            if there:
                moves.take(name, cycle)
        feed.saw(tokens.states(cycle, beat))
        feed.saw({"places have been given to some of a sequence's beats": tokens.midst})
        feed.saw(store.states(feed.offers("i", cycle) and tokens.takes, feed.offers("e", cycle), tokens.offers))
        places = places and store.takes_places
        takes = fork.step(tokens.offers, both, [leaves and out, places])
        store.step(beat, came, places, embeddings)
        tokens.step(cycle, beat, takes)
    return moves
