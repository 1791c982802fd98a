"""Energy and area constants of a technology, each with its source and how sure we are of it."""
