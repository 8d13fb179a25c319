"""The paper's tables and figures again, from one command: `model.reproduction.run`."""
