"""Clients of the outside world: table services, file trees, name resolvers."""
