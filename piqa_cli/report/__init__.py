"""The HTML report: a score table and its photos as one page that opens from disk, without a network."""
