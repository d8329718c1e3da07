"""eSASS: its tasks as data, its command lines, and its examination."""
