"""Vectors in fewer bytes: each way of coding is a frozen object under the one verb `compress`."""

from cleora_jax.vectors.coding.binary import Binary as Binary
from cleora_jax.vectors.coding.codec import Codec as Codec
from cleora_jax.vectors.coding.codecs import CODECS as CODECS
from cleora_jax.vectors.coding.codecs import codec_named as codec_named
from cleora_jax.vectors.coding.compressed import Compressed as Compressed
from cleora_jax.vectors.coding.compressed import compress as compress
from cleora_jax.vectors.coding.linear import PCA as PCA
from cleora_jax.vectors.coding.linear import RandomProjection as RandomProjection
from cleora_jax.vectors.coding.product import ProductQuantization as ProductQuantization
from cleora_jax.vectors.coding.scalar import Float16 as Float16
from cleora_jax.vectors.coding.scalar import Int8 as Int8
from cleora_jax.vectors.coding.stored import load_compressed as load_compressed
