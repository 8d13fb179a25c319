"""The rules and the dashboard that come with `docker compose --profile monitoring`."""
