"""From photo files to score records and the score table."""
