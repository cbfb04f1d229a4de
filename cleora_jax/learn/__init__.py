"""What is fitted to vectors, or read from them: candidate links, refinement."""

from cleora_jax.learn.links import Links as Links
from cleora_jax.learn.links import predict_links as predict_links
from cleora_jax.learn.refinement.method import Refine as Refine
from cleora_jax.learn.refinement.training import History as History
from cleora_jax.learn.refinement.verb import Refined as Refined
from cleora_jax.learn.refinement.verb import refine as refine
from cleora_jax.learn.weights import learn_weights as learn_weights
