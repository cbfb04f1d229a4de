"""Pictures: maps of vectors, degrees, spectra, training curves, similarities; and a page to explore a map in a browser.

Charts are matplotlib's, drawn on axes that are given or made; the backend is nobody's business here.
"""

from cleora_jax.viz.charts import plot_degrees as plot_degrees
from cleora_jax.viz.charts import plot_history as plot_history
from cleora_jax.viz.charts import plot_similarity as plot_similarity
from cleora_jax.viz.charts import plot_spectrum as plot_spectrum
from cleora_jax.viz.explorer import write_explorer as write_explorer
from cleora_jax.viz.maps import plot_map as plot_map
from cleora_jax.viz.plane import plane as plane
