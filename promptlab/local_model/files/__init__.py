"""What lies on disk: weights, adapters, converted models, and how they are known."""
