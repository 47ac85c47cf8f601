"""What batch-bridge costs, each figure as a ratio to a baseline measured in the same run: `python -m bench`."""
