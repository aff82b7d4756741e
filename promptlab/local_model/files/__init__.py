"""What is on disk: weights, adapters and converted models, and how they are identified."""
