package org.spikellm.tck;

import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/**
 * A cache full of random keys and values, written without the API's encoder and packing.
 *
 * @param keys counts of keys, [kvHeads · capacity][headDim]; null where the cache holds floats
 * @param values counts of values, likewise
 */
record CacheCase(KeyValues cache, int[][] keys, int[][] values) {

  /** Dynamics of plain and of salient channels, and the bits in which their counts are stored. */
  enum Counts {
    FOUR(4, 0, 15, 1, 7, 2),
    FOUR_OF_BOTH_SIGNS(4, -7, 7, 1, 3, 2),
    FIVE(5, 0, 15, 1, 15, 2),
    FIVE_OF_BOTH_SIGNS(5, -7, 7, 1, 7, 2),
    SIX(6, 0, 15, 1, 15, 4),
    SIX_OF_BOTH_SIGNS(6, -7, 7, 1, 7, 4),
    BYTES(8, 0, 15, 1, 51, 5), // offset 128
    BYTES_OF_BOTH_SIGNS(8, -15, 15, 1, 15, 4),
    SHORTS(16, 0, 255, 1, 255, 4);

    static final List<Counts> PACKED = List.of(FOUR, FOUR_OF_BOTH_SIGNS, FIVE, FIVE_OF_BOTH_SIGNS, SIX, SIX_OF_BOTH_SIGNS);

    private final int bits;
    private final Dynamics plain;
    private final Dynamics salient;

    Counts(int bits, int lowLevel, int plainLevel, int plainSteps, int salientLevel, int salientSteps) {
      this.bits = bits;
      plain = new Dynamics(1, 1, lowLevel, plainLevel, plainSteps);
      salient = new Dynamics(1, 1, lowLevel < 0 ? -salientLevel : 0, salientLevel, salientSteps);
    }
  }

  static CacheCase floats(Draw draw, int kvHeads, int headDim, int capacity, Placement memory) {
    return new CacheCase(new KeyValues(kvHeads, headDim, capacity, null,
        draw.normal(memory.tensor(DType.F32, kvHeads * capacity, headDim), 1),
        draw.normal(memory.tensor(DType.F32, kvHeads * capacity, headDim), 1), null, null), null, null);
  }

  static CacheCase spiking(Draw draw, int kvHeads, int headDim, int capacity, Counts counts, Placement memory) {
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
    KeyValueEncoding encoding = new KeyValueEncoding(SoftResetNeuron.WHOLE, counts.plain, counts.salient, true, keySalient, low,
        high, valueSalient);
    int rows = kvHeads * capacity;
    int[][] keys = new int[rows][headDim];
    int[][] values = new int[rows][headDim];
    Tensor thetas = memory.tensor(DType.F32, rows, 2);
    Tensor zeros = memory.tensor(DType.I32, rows, 2);
    for (int row = 0; row < rows; row++) {
      for (int c = 0; c < headDim; c++) {
        int channel = row / capacity * headDim + c;
        keys[row][c] = count(draw, encoding.dynamics(keySalient[channel]));
        values[row][c] = count(draw, encoding.dynamics(valueSalient[channel]));
      }
      for (int s = 0; s < 2; s++) {
        Dynamics dynamics = encoding.dynamics(s == 1);
        int top = dynamics.countHigh();
        thetas.setFloat(row, s, draw.between(1f, 3f) / top);
        zeros.setInt(row, s, dynamics.bidirectional() ? 0 : draw.between(-top / 4, top) - encoding.offset());
      }
    }
    return new CacheCase(new KeyValues(kvHeads, headDim, capacity, encoding, stored(keys, counts, encoding, memory),
        stored(values, counts, encoding, memory), thetas, zeros), keys, values);
  }

  private static int count(Draw draw, Dynamics dynamics) {
    return draw.between(dynamics.countLow(), dynamics.countHigh());
  }

  /** The rows of a cache, as {@link org.spikellm.api.CountRow} describes them. */
  private static Tensor stored(int[][] counts, Counts form, KeyValueEncoding encoding, Placement memory) {
    int channels = counts[0].length;
    int lowest = Math.min(form.plain.countLow(), form.salient.countLow());
    Tensor rows = switch (form.bits) {
      case 8 -> memory.tensor(DType.I8, counts.length, channels);
      case 16 -> memory.tensor(DType.I16, counts.length, channels);
      default -> memory.tensor(DType.U8, counts.length, (channels + 1) / 2 + (form.bits - 4) * ((channels + 7) / 8));
    };
    rows.segment().fill((byte) 0xff); // bits of no channel may be anything
    for (int row = 0; row < counts.length; row++) {
      for (int c = 0; c < channels; c++) {
        if (form.bits >= 8) {
          rows.setInt(row, c, counts[row][c] - encoding.offset());
        } else {
          pack(counts[row][c] - lowest, form.bits, rows, row, c, channels);
        }
      }
    }
    return rows;
  }

  private static void pack(int code, int bits, Tensor rows, int row, int channel, int channels) {
    for (int bit = 0; bit < bits; bit++) {
      int at = bit < 4 ? channel / 2 : (channels + 1) / 2 + (bit - 4) * ((channels + 7) / 8) + channel / 8;
      int shift = bit < 4 ? 4 * (channel % 2) + bit : channel % 8;
      int others = rows.getInt(row, at) & ~(1 << shift);
      rows.setInt(row, at, others | (code >> bit & 1) << shift);
    }
  }
}
