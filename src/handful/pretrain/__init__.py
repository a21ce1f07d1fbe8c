"""Self-supervision: an encoder learned from scenes that nobody labelled."""
