"""Scoring on many machines: Ray Data hands out partitions of a listing, actors score them and write Parquet files."""
