"""Methods of the literature under the same verb, for comparison."""

from cleora_jax.baselines.node2vec import DeepWalk as DeepWalk
from cleora_jax.baselines.node2vec import Losses as Losses
from cleora_jax.baselines.node2vec import Node2Vec as Node2Vec
