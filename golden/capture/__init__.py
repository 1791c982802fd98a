"""Runs a real transformer under golden pruning and writes down its decisions. Nothing is fetched from a network."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is first imported, below this package
