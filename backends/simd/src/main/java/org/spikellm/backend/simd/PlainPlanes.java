package org.spikellm.backend.simd;

import java.util.Arrays;
import org.spikellm.api.Tensor;

/** What {@link SpikePlanes} and {@link PlaneDots} do, without vectors, to the byte. */
final class PlainPlanes {

  private static final int WORDS = PlaneCodes.WORDS;

  private PlainPlanes() {}

  /** The words of a chunk. */
  static void words(int[] counts, int from, int least, int bits, int[] words, int to) {
    for (int word = 0; word < WORDS; word++) {
      for (int bit = 0; bit < bits; bit++) {
        int zeros = 0;
        for (int i = 0; i < Integer.SIZE; i++) {
          zeros |= (counts[from + word * Integer.SIZE + i] - least >>> bit & 1 ^ 1) << i;
        }
        words[to + (bits - 1 - bit) * WORDS + word] = zeros;
      }
    }
  }

  /** As {@link PlaneDots#add}, row after row. */
  static void add(PlaneCodes codes, SpikePlanes x, int first, int last, int token, int count, float[] sums, Scratch scratch) {
    int stride = (last - first) * Lanes.BLOCK;
    int[] integers = scratch.sums(count);
    int[] spikes = scratch.dots(2 * WORDS);
    for (int row = 0; row < stride; row++) {
      long block = codes.block(first + row / Lanes.BLOCK);
      for (int chunk = 0; chunk < codes.chunks; chunk++) {
        long at = block + codes.bytes[chunk];
        if (codes.beginsGroup(chunk)) {
          Arrays.fill(integers, 0, count, 0);
        }
        for (int i = 0; i < 2 * WORDS; i++) {
          spikes[i] = codes.memory.get(Tensor.INT, at + PlaneCodes.place(row % Lanes.BLOCK) + (long) i * Lanes.BYTES);
        }
        int ofClass = codes.classOf[chunk] * x.tokens + token;
        chunk(spikes, x.words, x.word(codes, chunk, token), x.bits(codes, chunk), x.shifts, ofClass, integers, count);
        if (codes.endsGroup(chunk)) {
          float scale = Float.float16ToFloat(codes.memory.get(Tensor.SHORT, at + PlaneCodes.scale(row % Lanes.BLOCK)));
          for (int t = 0; t < count; t++) {
            sums[t * stride + row] += integers[t] * (scale * x.thetas[ofClass + t]);
          }
        }
      }
    }
  }

  private static void chunk(int[] spikes, int[] words, int word, int bits, float[] shifts, int ofClass, int[] integers, int count) {
    int all = 0;
    int negative = 0;
    for (int w = 0; w < WORDS; w++) {
      all += Integer.bitCount(spikes[2 * w]);
      negative += Integer.bitCount(spikes[2 * w + 1]);
    }
    for (int t = 0; t < count; t++) {
      int against = 0;
      for (int bit = 0; bit < bits; bit++, word += WORDS) {
        against *= 2;
        for (int w = 0; w < WORDS; w++) {
          against += Integer.bitCount(spikes[2 * w] & (spikes[2 * w + 1] ^ words[word + w]));
        }
      }
      integers[t] += (all - 2 * negative) * (int) shifts[ofClass + t] + (all - negative) * ((1 << bits) - 1) - against;
    }
  }
}
