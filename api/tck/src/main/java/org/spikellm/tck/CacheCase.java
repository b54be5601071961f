package org.spikellm.tck;

import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/** Caches full of random keys and values, written without the API's encoder. */
final class CacheCase {

  private CacheCase() {}

  static KeyValues floats(Draw draw, int kvHeads, int headDim, int capacity, Placement memory) {
    return new KeyValues(kvHeads, headDim, capacity, null, draw.normal(memory.tensor(DType.F32, kvHeads * capacity, headDim), 1),
        draw.normal(memory.tensor(DType.F32, kvHeads * capacity, headDim), 1), null, null);
  }

  /** Counts of 8 bits in T = 1 (offset 128, all in a signed byte) or, where {@code wide}, T = 4 on salient channels. */
  static KeyValues spiking(Draw draw, int kvHeads, int headDim, int capacity, boolean wide, Placement memory) {
    int channels = kvHeads * headDim;
    boolean[] keySalient = new boolean[channels];
    boolean[] valueSalient = new boolean[channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      keySalient[c] = draw.chance(0.2);
      valueSalient[c] = draw.chance(0.2);
      low[c] = draw.between(-2f, 0.5f);
      high[c] = low[c] + draw.between(0.5f, 3f);
    }
    Dynamics plain = new Dynamics(1, 1, 0, wide ? 255 : 15, 1);
    Dynamics salient = new Dynamics(1, 1, 0, wide ? 255 : 51, wide ? 4 : 5);
    KeyValueEncoding encoding = new KeyValueEncoding(SoftResetNeuron.WHOLE, plain, salient, true, keySalient, low, high,
        valueSalient);
    int rows = kvHeads * capacity;
    Tensor keys = memory.tensor(encoding.countType(), rows, headDim);
    Tensor values = memory.tensor(encoding.countType(), rows, headDim);
    Tensor thetas = memory.tensor(DType.F32, rows, 2);
    Tensor zeros = memory.tensor(DType.I32, rows, 2);
    for (int row = 0; row < rows; row++) {
      for (int c = 0; c < headDim; c++) {
        int channel = row / capacity * headDim + c;
        keys.setInt(row, c, draw.between(0, encoding.dynamics(keySalient[channel]).countHigh()) - encoding.offset());
        values.setInt(row, c, draw.between(0, encoding.dynamics(valueSalient[channel]).countHigh()) - encoding.offset());
      }
      for (int s = 0; s < 2; s++) {
        int top = encoding.dynamics(s == 1).countHigh();
        thetas.setFloat(row, s, draw.between(1f, 3f) / top);
        zeros.setInt(row, s, draw.between(-top / 4, top) - encoding.offset());
      }
    }
    return new KeyValues(kvHeads, headDim, capacity, encoding, keys, values, thetas, zeros);
  }
}
