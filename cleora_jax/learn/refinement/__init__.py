"""Supervised refinement: from pairs of ids (`pairs`, `problem`) through batches and losses to the training loop."""
