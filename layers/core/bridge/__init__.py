"""Say what every function of batch-bridge shares. Imports nothing from the functions."""
