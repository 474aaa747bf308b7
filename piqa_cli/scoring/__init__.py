"""From photo files to score records and the score table."""

import os

# Read by torch when it is imported, which everything in this package does later than this: operators that Apple's MPS
# does not have run on the CPU.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
