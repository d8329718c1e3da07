"""The way of an archive to other programs and people, and of archives of other programs into this form."""
