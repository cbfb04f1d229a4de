"""Every method on every data set: fresh processes with a limit of time, one line of JSON each, tables."""

from cleora_jax.benchmark.results import BenchmarkResults as BenchmarkResults
from cleora_jax.benchmark.results import Line as Line
from cleora_jax.benchmark.results import Score as Score
from cleora_jax.benchmark.results import load_benchmark as load_benchmark
from cleora_jax.benchmark.task import Task as Task
from cleora_jax.benchmark.verb import run_benchmark as run_benchmark
