"""The command ``emulab``: one module a verb, no logic of its own."""
