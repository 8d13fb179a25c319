"""The deployment of docker-compose.yml, tried for real: `make compose-test`."""
