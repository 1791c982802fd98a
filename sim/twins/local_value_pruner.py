"""Twin of the local value pruner: a top-k engine whose beats go to the requests and into the queue."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed
from tokensieve.sim.twins.queue import Fork, Queue
from tokensieve.sim.twins.topk import Engine, tasks


def twin(arch: Arch, feed: Feed) -> dict[str, list[int]]:
    """Return the cycles of all transfers. Data: as the top-k engine's, and every beat of kept items counts once."""
    engine, fork, queue = Engine(arch.topk, tasks(arch, feed)), Fork(2), Queue(arch.kept_beats)
    cycles: dict[str, list[int]] = {"command": [], "probability": [], "request": [], "o": []}
    both = [True, True]
    for cycle in range(feed.cycles):
        score, took = feed.offers("probability", cycle), feed.takes("o", cycle)
        beat = engine.offers(score)
        if queue.offers and took:
            cycles["o"].append(cycle)
        asks, waits = fork.offers(beat, both)
        asks, waits = asks and feed.takes("request", cycle), waits and queue.takes
        feed.saw(
            {
                "requests are out, the queue is full": beat and fork.had[0] and not queue.takes,
                "a beat is in the queue, its requests wait": beat and fork.had[1] and not asks,
                "the queue is full": beat and not queue.takes,
            }
        )
        takes = fork.step(beat, both, [asks, waits])
        transfers = engine.step(feed.offers("command", cycle), score, takes)
        queue.step(waits, took)
        feed.saw(engine.states)
        if asks:
            cycles["request"].append(cycle)
        for moved in transfers:
            cycles["probability" if moved == "score" else moved].append(cycle)
    return cycles
