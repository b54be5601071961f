package org.spikellm.model;

import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.BlockShape;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/** The largest |x| of each channel of what the linear layers of a block read. */
public final class InputRanges implements BlockObserver {

  private final Map<Projection.Source, float[]> absMax = new EnumMap<>(Projection.Source.class);

  public InputRanges(BlockShape shape) {
    for (Projection.Source source : Projection.Source.values()) {
      absMax.put(source, new float[shape.columns(source)]);
    }
  }

  /** The largest so far, one a channel; not a copy. */
  public float[] absMax(Projection.Source source) {
    return absMax.get(source);
  }

  @Override
  public void input(Projection.Source source, Tensor x) {
    float[] largest = absMax.get(source);
    float[] row = new float[largest.length];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      for (int c = 0; c < row.length; c++) {
        largest[c] = Math.max(largest[c], Math.abs(row[c]));
      }
    }
  }

  @Override
  public void attention(Tensor queries, Tensor keys, Tensor out) {}
}
