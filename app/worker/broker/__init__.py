"""Jobs and errands by way of RabbitMQ: the service publishes, workers on any machine consume."""
