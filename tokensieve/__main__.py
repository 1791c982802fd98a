"""``python -m tokensieve``: the command line."""

from tokensieve.cli import main

main()
