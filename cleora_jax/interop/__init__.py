"""Graphs and embeddings to and from other libraries; each of these is imported when called.

SciPy, pandas, polars and Arrow need none of it: `from_scipy`, `adjacency`, `from_table`, `Embedding.to_arrow`.
"""

from cleora_jax.interop.anndata import from_anndata as from_anndata
from cleora_jax.interop.anndata import to_anndata as to_anndata
from cleora_jax.interop.anndata import vectors_from_anndata as vectors_from_anndata
from cleora_jax.interop.edges import Imported as Imported
from cleora_jax.interop.edges import MixedTypesWarning as MixedTypesWarning
from cleora_jax.interop.edges import edge_table as edge_table
from cleora_jax.interop.gensim import from_keyed_vectors as from_keyed_vectors
from cleora_jax.interop.gensim import to_keyed_vectors as to_keyed_vectors
from cleora_jax.interop.igraph import from_igraph as from_igraph
from cleora_jax.interop.igraph import to_igraph as to_igraph
from cleora_jax.interop.networkx import from_networkx as from_networkx
from cleora_jax.interop.networkx import to_networkx as to_networkx
from cleora_jax.interop.projector import save_projector as save_projector
from cleora_jax.interop.rows import vector_rows as vector_rows
from cleora_jax.interop.rows import write_rows as write_rows
from cleora_jax.interop.safetensors import load_safetensors as load_safetensors
from cleora_jax.interop.safetensors import save_safetensors as save_safetensors
from cleora_jax.interop.torch import from_dgl as from_dgl
from cleora_jax.interop.torch import from_pyg as from_pyg
from cleora_jax.interop.torch import to_dgl as to_dgl
from cleora_jax.interop.torch import to_pyg as to_pyg
