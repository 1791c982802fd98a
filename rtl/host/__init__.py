"""The host link: bytes from a host's port to a unit and back, in frames."""
