"""Evaluators that a sweep sends to other processes, which import them from here."""

import time

from tokensieve.explore.evaluate import Analytic


class Killing(Analytic):
    """Ends its process where a design has 8 lanes."""

    batch = 4

    def price(self, work, summary, designs):
        if (designs.column("topk.lanes") == 8).any():
            import os

            os._exit(9)
        return super().price(work, summary, designs)


class KillingAlone(Killing):
    """The same, a design at a time."""

    batch = 1


class Slow(Analytic):
    """Takes a while for a few designs."""

    batch = 4

    def price(self, work, summary, designs):
        time.sleep(0.05)
        return super().price(work, summary, designs)


def pretend(model=None, package=None):
    """Make this process another version of the cycle model, or of the package."""
    from importlib import metadata

    from tokensieve.explore import cluster

    if model is not None:
        cluster.model_version = lambda: model
    if package is not None:
        metadata.version = lambda name: package


def be_yourself():
    """Undo `pretend`."""
    from importlib import metadata

    from tokensieve.explore import cluster
    from tokensieve.sim.reference.version import model_version

    cluster.model_version = model_version
    metadata.version = lambda name: metadata.distribution(name).version
