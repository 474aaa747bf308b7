"""Training: degradations, data, losses, loops. Installed as piqa_training."""
