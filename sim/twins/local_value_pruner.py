"""Twin of the local value pruner: a top-k engine whose beats go to the requests and into the queue."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves
from tokensieve.sim.twins.queue import Fork, Queue
from tokensieve.sim.twins.topk import Engine, tasks


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: as the top-k engine's, and every beat of kept items counts once."""
    engine, fork, queue = Engine(arch.topk, tasks(arch, feed)), Fork(2), Queue(arch.kept_beats)
    moves = Moves(sources=["command", "probability"], sinks=["request", "o"])
    both = [True, True]
    for cycle in range(feed.cycles):
        score, took = feed.offers("probability", cycle), feed.takes("o", cycle)
        beat = engine.offers(score)
        moves.offer("o", cycle, queue.offers, took)
        asks, waits = fork.offers(beat, both)
        moves.offer("request", cycle, asks, feed.takes("request", cycle))
        asks, waits = asks and feed.takes("request", cycle), waits and queue.takes
        feed.saw(
            {
                "requests are out, the queue is full": beat and fork.had[0] and not queue.takes,
                "a beat is in the queue, its requests wait": beat and fork.had[1] and not asks,
                "the queue is full": beat and not queue.takes,
                "beats are in the queue": queue.holds,
            }
        )
        takes = fork.step(beat, both, [asks, waits])
        transfers = engine.step(feed.offers("command", cycle), score, takes)
        queue.step(waits, took)
        feed.saw(engine.states)
        for moved in transfers:
            moves.take("probability" if moved == "score" else moved, cycle)
    return moves
