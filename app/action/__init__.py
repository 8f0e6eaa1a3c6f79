"""The domain: an action's record, its life cycle, and the requests that start one.

Nothing here knows HTTP, a database, Globus, a clock, or chance: they are passed in.
"""
