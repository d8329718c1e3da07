"""SAS and eSASS as installed: command lines and environments as data, one runner, message parsing."""
