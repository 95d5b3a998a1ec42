"""The table port on PostgreSQL, for deployments without DynamoDB.

Imported only where `STORAGE_URL` names one: the functions' zip does not hold the client.
"""
