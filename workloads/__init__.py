"""What is asked of the machine: model shapes, schedules, benchmarks, decisions and traces."""
