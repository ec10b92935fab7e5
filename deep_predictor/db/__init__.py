"""The two databases: models, every query, migrations, and the lock beside a file database."""
