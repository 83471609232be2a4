"""The command line: what the operator decides, for people.

One file per command. A command module declares its options and loads what it needs only when it runs, so that `--help`
is quick and `run` carries nothing that only people need. No command decides anything itself.
"""
