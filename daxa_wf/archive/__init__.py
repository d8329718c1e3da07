"""The finished tree: layout, records, status, report."""
