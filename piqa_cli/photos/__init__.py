"""Photo files: finding, decoding, reading their metadata."""
