"""What is to be measured: suites, designs, gates, and the plan that a run follows."""
