"""Twin of the local value pruner: a top-k engine whose rows go to the requests and into the queue."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed
from tokensieve.sim.twins.queue import Fork, Queue
from tokensieve.sim.twins.topk import Engine, tasks


def twin(arch: Arch, feed: Feed) -> dict[str, list[int]]:
    """Return the cycles of all transfers. Data: as the top-k engine's, and every row of kept items counts once."""
    engine, fork, queue = Engine(arch.topk, tasks(arch, feed)), Fork(2), Queue(arch.kept_rows)
    cycles: dict[str, list[int]] = {"command": [], "probability": [], "request": [], "o": []}
    for cycle in range(feed.cycles):
        ready = [feed.takes("request", cycle), queue.takes]
        took = feed.takes("o", cycle)
        if queue.offers and took:
            cycles["o"].append(cycle)
        takes = fork.takes(ready)
        to_requests, to_queue = fork.step(engine.offers, ready)
        moved = engine.step(feed.offers("command", cycle), feed.offers("probability", cycle), takes)
        queue.step(to_queue, took)
        if to_requests:
            cycles["request"].append(cycle)
        if moved:
            cycles["probability" if moved == "score" else moved].append(cycle)
    return cycles
