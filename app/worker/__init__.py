"""From an accepted upload to a finished job: storage, queue, micro-batches, pipeline."""
