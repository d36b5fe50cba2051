"""`recover`: adoption of resources that a killed update created and did not write into the state."""
