"""Twin of the fixed-length pruner: what its scores come from, its tokens, and a store of their embeddings."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.embeddings import Store
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.queue import Fork
from tokensieve.sim.twins.score_fronts import Direct, Scoring, Summing
from tokensieve.sim.twins.sequences import Tokens


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `beats`, those of each row of each sequence; `tokens`, of its last."""
    pruner, beats = arch.pruner, feed.data["beats"]
    front = Summing(pruner, beats) if pruner.score_source == "accumulated" else Direct()
    tokens = Tokens(pruner, [rows[-1] for rows in beats])
    if pruner.embedding_beats:
        return _with_embeddings(arch, feed, front, tokens)
    moves = Moves(sources=["i"], sinks=["o"])
    for cycle in range(feed.cycles):
        offered, takes = feed.offers("i", cycle), feed.takes("o", cycle)
        moves.offer("o", cycle, tokens.offers, takes)
        came = offered and front.takes(tokens.takes)
        beat = front.offers(offered) and tokens.takes
        if came:
            moves.take("i", cycle)
        feed.saw(tokens.states(cycle, beat))
        feed.saw(front.states(offered, tokens.takes))
        front.step(came, tokens.takes)
        tokens.step(cycle, beat, takes)
    return moves


def _with_embeddings(arch: Arch, feed: Feed, front: Direct | Summing, tokens: Tokens) -> Moves:
    """Return the same where kept tokens go to two sinks: out, and to the store."""
    pruner, fork, both = arch.pruner, Fork(2), [True, True]
    store, counts = Store(pruner, feed.data["tokens"]), [rows[-1] for rows in feed.data["beats"]]
    norms = Scoring(pruner, counts, feed.data["tokens"]) if pruner.scores_embeddings else Direct()
    moves = Moves(sources=["i", "e"], sinks=["o", "eo"])
    for cycle in range(feed.cycles):
        out, embeddings = feed.takes("o", cycle), feed.takes("eo", cycle)
        leaves, places = fork.offers(tokens.offers, both)
        moves.offer("o", cycle, leaves, out)
        moves.offer("eo", cycle, store.offers, embeddings)
        offered, there = feed.offers("i", cycle), feed.offers("e", cycle)
        wanted = norms.takes(tokens.takes)
        takes = wanted and store.takes_tokens
        came, beat = offered and front.takes(takes), front.offers(offered) and takes
        embedding = there and store.takes and norms.wants(tokens.takes)
        scored = norms.offers(beat) and tokens.takes
        for name, moved in (("i", came), ("e", embedding)):
            if moved:
                moves.take(name, cycle)
        feed.saw(tokens.states(cycle, scored))
        feed.saw({"places have been given to some of a sequence's beats": tokens.midst})
        feed.saw(store.states(front.offers(offered) and wanted, there, tokens.offers))
        feed.saw(front.states(offered, takes) | norms.states(offered, tokens.takes, there, store.takes))
        places = places and store.takes_places
        taken = fork.step(tokens.offers, both, [leaves and out, places])
        store.step(beat, embedding, places, embeddings)
        norms.step(beat, tokens.takes, embedding)
        front.step(came, takes)
        tokens.step(cycle, scored, taken)
    return moves
