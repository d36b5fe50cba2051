"""What a rehearsal costs: times and memory, beside what they may be."""
