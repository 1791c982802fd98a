"""Evaluators that a sweep sends to other processes, which import them from here."""

from tokensieve.explore.evaluate import Analytic


class Killing(Analytic):
    """Ends its process where a design has 8 lanes."""

    batch = 4

    def price(self, work, summary, designs):
        if (designs.column("topk.lanes") == 8).any():
            import os

            os._exit(9)
        return super().price(work, summary, designs)
