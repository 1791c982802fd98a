"""One machine beside others on the same work, and a processor measured on this host."""
