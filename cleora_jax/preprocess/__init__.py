"""Graphs made fit before they are embedded: each function takes a graph and returns a new one."""

from cleora_jax.preprocess.filters import cap_popularity as cap_popularity
from cleora_jax.preprocess.filters import dedupe as dedupe
from cleora_jax.preprocess.filters import filter_degrees as filter_degrees
from cleora_jax.preprocess.filters import largest_component as largest_component
from cleora_jax.preprocess.filters import without_self_loops as without_self_loops
from cleora_jax.preprocess.restrict import restrict as restrict
from cleora_jax.preprocess.reweighting import ppmi as ppmi
from cleora_jax.preprocess.reweighting import tfidf as tfidf
