"""Groups of entities: from the graph (Louvain, Leiden, spectral, label propagation) or from vectors (k-means)."""

from cleora_jax.community.communities import Communities as Communities
from cleora_jax.community.communities import modularity as modularity
from cleora_jax.community.graphs import label_propagation as label_propagation
from cleora_jax.community.graphs import leiden as leiden
from cleora_jax.community.graphs import louvain as louvain
from cleora_jax.community.spectral import kmeans as kmeans
from cleora_jax.community.spectral import spectral as spectral
