"""EMDE: histograms of items over partitions of their vectors' space; a user is a sum of them."""

from cleora_jax.recommend.emde.coder import DLSH as DLSH
from cleora_jax.recommend.emde.coder import Coder as Coder
from cleora_jax.recommend.emde.coder import codes_of as codes_of
from cleora_jax.recommend.emde.coder import fit_coder as fit_coder
from cleora_jax.recommend.emde.coder import random_codes as random_codes
from cleora_jax.recommend.emde.decode import Decoder as Decoder
from cleora_jax.recommend.emde.decode import decoder as decoder
from cleora_jax.recommend.emde.decode import popularity_bias as popularity_bias
from cleora_jax.recommend.emde.net import SketchNet as SketchNet
from cleora_jax.recommend.emde.sketch import code_matrix as code_matrix
from cleora_jax.recommend.emde.sketch import normalised as normalised
from cleora_jax.recommend.emde.sketch import sketches as sketches
from cleora_jax.recommend.emde.training import Examples as Examples
from cleora_jax.recommend.emde.training import Losses as Losses
from cleora_jax.recommend.emde.training import TrainedNet as TrainedNet
from cleora_jax.recommend.emde.training import train_net as train_net
