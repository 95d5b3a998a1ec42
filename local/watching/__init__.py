"""Alarms and the dashboard as CloudFormation, written from tables into `.chalice/resources.json`.

`make watching` writes; a test compares, so that the file deployed and the tables never part.
"""
