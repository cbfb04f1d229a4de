"""Every method on every data set: fresh processes with a limit of time, one line of JSON each, tables.

No names here, unlike in other rooms: a fresh process imports as little as it can, for that counts as memory, too.
"""
