"""Real data sets by name, checked against their checksums; and downloads that resume."""

from cleora_jax.data.dataset import Dataset as Dataset
from cleora_jax.data.dataset import Interactions as Interactions
from cleora_jax.data.dataset import Sequences as Sequences
from cleora_jax.data.dataset import Sessions as Sessions
from cleora_jax.data.dataset import Split as Split
from cleora_jax.data.dataset import Triples as Triples
from cleora_jax.data.info import DatasetInfo as DatasetInfo
from cleora_jax.data.listing import Listed as Listed
from cleora_jax.data.listing import list_datasets as list_datasets
from cleora_jax.data.load import load_dataset as load_dataset
from cleora_jax.data.transfer import Downloaded as Downloaded
from cleora_jax.data.transfer import download as download
