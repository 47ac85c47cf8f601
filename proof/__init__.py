"""Check against a running stack that nothing is lost, nothing is duplicated and nobody is let in; and count.

`scenario` decides what is sent, `sender` sends it, `faults` breaks things meanwhile, `observer` waits and reads the
outcome, `compare` judges, `report` counts.
"""
