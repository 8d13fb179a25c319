"""Jobs over a real RabbitMQ and a real PostgreSQL; only what a walk embeds to is made up."""
