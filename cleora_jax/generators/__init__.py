"""Random graphs and hypergraphs, never by the name of a real data set. NumPy; seeded; linear time."""

from cleora_jax.generators.baskets import power_law_baskets as power_law_baskets
from cleora_jax.generators.blocks import Planted as Planted
from cleora_jax.generators.blocks import hypergraph_block_model as hypergraph_block_model
from cleora_jax.generators.blocks import planted_partition as planted_partition
from cleora_jax.generators.blocks import stochastic_block_model as stochastic_block_model
from cleora_jax.generators.growth import barabasi_albert as barabasi_albert
from cleora_jax.generators.lfr import lfr as lfr
from cleora_jax.generators.uniform import erdos_renyi as erdos_renyi
from cleora_jax.generators.uniform import watts_strogatz as watts_strogatz
