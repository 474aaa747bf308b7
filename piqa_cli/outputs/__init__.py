"""Score tables as files and streams."""
