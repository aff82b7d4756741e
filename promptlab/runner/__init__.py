"""A run: requests rendered, answers looked up or asked for, graded and stored."""
