"""What the benches are made of: builds, processes, the machine, rounds, statistics and the report."""
