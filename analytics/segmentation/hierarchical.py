"""Ward's hierarchical clustering: merges that raise the variance within segments least. Source: Ward (1963)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WARD_ROWS = 2_500  # the tree needs every distance: beyond these rows it is grown on a sample


def ward_centres(points: Floats, n_segments: int) -> Floats:
    """The centres of the ``n_segments`` clusters that are left when Ward's tree over ``points`` is cut."""
    from scipy.cluster.hierarchy import fcluster, linkage

    index = fcluster(linkage(points, "ward"), n_segments, "maxclust") - 1
    return np.stack([points[index == i].mean(axis=0) for i in range(int(index.max()) + 1)])
