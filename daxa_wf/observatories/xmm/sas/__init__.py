"""SAS: its tasks as data, its command lines, its logs, and its view of an ODF."""
