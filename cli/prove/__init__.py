"""Check against a running stack that nothing is lost, nothing is doubled and nobody is let in; and count.

`plan` decides what is sent, `send` sends it, `trouble` breaks things meanwhile, `look` waits and reads what came of it,
`compare` judges, `report` counts.
"""
