"""What a graph looks like before anything is learned: degrees, components, triangles, ranks, cores, a report."""

from cleora_jax.stats.components import Components as Components
from cleora_jax.stats.components import connected_components as connected_components
from cleora_jax.stats.components import diameter as diameter
from cleora_jax.stats.degrees import degrees as degrees
from cleora_jax.stats.popularity import popular as popular
from cleora_jax.stats.ranks import betweenness as betweenness
from cleora_jax.stats.ranks import core_numbers as core_numbers
from cleora_jax.stats.ranks import pagerank as pagerank
from cleora_jax.stats.report import Report as Report
from cleora_jax.stats.report import report as report
from cleora_jax.stats.triangles import Clustering as Clustering
from cleora_jax.stats.triangles import clustering as clustering
