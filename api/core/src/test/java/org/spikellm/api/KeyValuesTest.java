package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class KeyValuesTest {

  private static final int HEADS = 2;
  private static final int DIM = 3;
  private static final long SEED = 99;

  private static Tensor random(int tokens, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = Tensor.allocate(DType.F32, tokens, HEADS * DIM);
    for (int t = 0; t < tokens; t++) {
      for (int c = 0; c < x.columns(); c++) {
        x.setFloat(t, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  private static KeyValueEncoding encoding(Dynamics plain, Dynamics salient, boolean collapsed) {
    return new KeyValueEncoding(new EncodingTest.Whole(true), plain, salient, collapsed,
        new boolean[] {false, true, false, false, false, true}, new float[] {-1, -2, -1, -1, 0, -0.5f},
        new float[] {1, 2, 1.5f, 1, 3, 0.5f}, new boolean[] {true, false, false, false, true, true});
  }

  private static Dynamics levels(int high, int timeSteps) {
    return new Dynamics(1, 1, 0, high, timeSteps);
  }

  @Test
  @DisplayName("a cache of floats gives back what was stored, by head and position")
  void floats() {
    KeyValues cache = KeyValues.allocate(HEADS, DIM, 5, null);
    Tensor k = random(2, SEED);
    Tensor v = random(2, SEED + 1);
    cache.append(k, v, 3);
    float[] row = new float[DIM];
    for (int t = 0; t < 2; t++) {
      for (int h = 0; h < HEADS; h++) {
        cache.readKey(h, 3 + t, row);
        assertArrayEquals(slice(k, t, h), row, "key");
        cache.readValue(h, 3 + t, row);
        assertArrayEquals(slice(v, t, h), row, "value");
      }
    }
  }

  private static float[] slice(Tensor x, int token, int head) {
    float[] slice = new float[DIM];
    for (int c = 0; c < DIM; c++) {
      slice[c] = x.getFloat(token, head * DIM + c);
    }
    return slice;
  }

  /** Keys by the fixed range of their channel, values by the range of their token and head. */
  @Test
  @DisplayName("a spiking cache holds the counts of the formula, in every storage, at once and step by step")
  void spikes() {
    Dynamics[][] all = {{levels(15, 1), levels(15, 2)}, {levels(255, 1), levels(255, 1)}, {levels(255, 1), levels(255, 4)}};
    for (Dynamics[] pair : all) {
      for (boolean collapsed : new boolean[] {true, false}) {
        KeyValueEncoding encoding = encoding(pair[0], pair[1], collapsed);
        KeyValues cache = KeyValues.allocate(HEADS, DIM, 4, encoding);
        Tensor k = random(3, SEED);
        Tensor v = random(3, SEED + 1);
        cache.append(k, v, 1);
        for (int t = 0; t < 3; t++) {
          for (int h = 0; h < HEADS; h++) {
            check(cache, slice(k, t, h), slice(v, t, h), h, 1 + t);
          }
        }
      }
    }
  }

  private static void check(KeyValues cache, float[] k, float[] v, int head, int position) {
    KeyValueEncoding encoding = cache.encoding();
    float[] keys = new float[DIM];
    float[] values = new float[DIM];
    cache.readKey(head, position, keys);
    cache.readValue(head, position, values);
    float low = Math.min(v[0], Math.min(v[1], v[2]));
    float high = Math.max(v[0], Math.max(v[1], v[2]));
    for (int c = 0; c < DIM; c++) {
      int channel = head * DIM + c;
      Dynamics d = encoding.dynamics(encoding.keySalient()[channel]);
      SpikeRange range = SpikeRange.of(encoding.keyLow()[channel], encoding.keyHigh()[channel], d);
      assertEquals(decoded(k[c], range, d), keys[c], "seed " + SEED + ", key " + c + " of head " + head);
      Dynamics dv = encoding.dynamics(encoding.valueSalient()[channel]);
      assertEquals(decoded(v[c], SpikeRange.of(low, high, dv), dv), values[c],
          "seed " + SEED + ", value " + c + " of head " + head);
    }
  }

  private static float decoded(float x, SpikeRange range, Dynamics dynamics) {
    double count = Math.clamp(Math.rint(x / range.theta()) + range.zero(), 0, dynamics.countHigh());
    return (float) (count - range.zero()) * range.theta();
  }

  @Test
  @DisplayName("counts of 8 bits lie in signed bytes, less 128")
  void storage() {
    assertEquals(DType.I8, encoding(levels(15, 1), levels(15, 2), true).countType());
    assertEquals(0, encoding(levels(15, 1), levels(15, 2), true).offset());
    assertEquals(DType.I8, encoding(levels(255, 1), levels(255, 1), true).countType());
    assertEquals(128, encoding(levels(255, 1), levels(255, 1), true).offset());
    assertEquals(DType.I16, encoding(levels(255, 1), levels(255, 2), true).countType());
    assertEquals(0, encoding(levels(255, 1), levels(255, 2), true).offset());
  }

  @Test
  @DisplayName("positions and shapes that do not fit are refused, whatever the cache holds")
  void refuses() {
    for (KeyValueEncoding encoding : new KeyValueEncoding[] {null, encoding(levels(15, 1), levels(15, 2), true)}) {
      KeyValues cache = KeyValues.allocate(HEADS, DIM, 4, encoding);
      assertThrows(IllegalArgumentException.class, () -> cache.append(random(2, SEED), random(2, SEED), 3));
      assertThrows(IllegalArgumentException.class, () -> cache.append(random(2, SEED), random(2, SEED), -1));
      Tensor narrow = Tensor.allocate(DType.F32, 2, HEADS * DIM - 1);
      Tensor wide = Tensor.allocate(DType.F32, 2, HEADS * DIM + 1);
      for (Tensor wrong : new Tensor[] {narrow, wide, random(1, SEED), Tensor.allocate(DType.F16, 2, HEADS * DIM)}) {
        String message = assertThrows(IllegalArgumentException.class, () -> cache.append(random(2, SEED), wrong, 0)).getMessage();
        assertTrue(message.contains("expected F32 [2, 6], found"), message);
      }
      assertThrows(IllegalArgumentException.class, () -> cache.append(narrow, random(2, SEED), 0));
    }
  }
}
