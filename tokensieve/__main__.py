"""``python -m tokensieve`` is ``tokensieve``."""

from tokensieve.cli.app import main

if __name__ == "__main__":
    main()
