"""What writes pages of the documentation; each module is a command, ``python -m tokensieve.pages.NAME``."""
