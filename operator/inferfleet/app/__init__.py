"""The composition root: the only package that knows every part, and the loop that connects them.

`process.main` is what `inferfleet run` calls: it builds the parts, starts them in order and stops them in order.
Everything that decides, renders, writes or reports lives in a package below.
"""
