"""Missions' tables: services, snapshots, observation tables."""
