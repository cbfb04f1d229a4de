"""Parts of a graph drawn at random: entities, hyperedges, neighbourhoods, subgraphs, negatives.

Seeded, without loops over entities. What is returned are rows; `preprocess.restrict` makes a graph of them.
"""

from cleora_jax.sampling.explore import forest_fire as forest_fire
from cleora_jax.sampling.explore import walked as walked
from cleora_jax.sampling.negatives import draw_negatives as draw_negatives
from cleora_jax.sampling.neighbourhoods import Layer as Layer
from cleora_jax.sampling.neighbourhoods import k_hop as k_hop
from cleora_jax.sampling.neighbourhoods import layers as layers
from cleora_jax.sampling.parts import draw_entities as draw_entities
from cleora_jax.sampling.parts import draw_hyperedges as draw_hyperedges
from cleora_jax.sampling.saint import GraphSaint as GraphSaint
from cleora_jax.sampling.saint import Saint as Saint
