"""Quality gates: rules on the score table, dataset checks, comparison with an earlier run, and files for CI systems."""
