"""Small faithful observations with known truth, in the trees and tables of the real data centres."""

TRUTH_FILE = "truth.json"
"""Written last: a directory of the simulator that has this file is complete."""
