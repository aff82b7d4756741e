"""What to measure: suites, designs, gates, and the plan that a run follows."""
