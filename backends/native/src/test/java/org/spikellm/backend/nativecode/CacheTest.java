package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** What a decoder leaves in its cache is what {@link KeyValues#append} does, to the byte, in every width. */
class CacheTest {

  private static final int KV_HEADS = 2;
  private static final int CAPACITY = 6;
  private static final long SEED = 12;

  private static Dynamics levels(int low, int high, int timeSteps) {
    return new Dynamics(1, 1, low, high, timeSteps);
  }

  @ParameterizedTest
  @EnumSource
  void appended(Instructions set) {
    Dynamics[][] all = {{levels(0, 15, 1), levels(0, 7, 2)}, {levels(0, 15, 1), levels(0, 15, 2)},
        {levels(-7, 7, 1), levels(-7, 7, 2)}, {levels(0, 15, 1), levels(0, 15, 4)}, {levels(0, 15, 1), levels(0, 15, 5)},
        {levels(0, 255, 1), levels(0, 255, 1)}, {levels(0, 255, 1), levels(0, 255, 2)}};
    try (Session session = Sessions.open(set, 2)) {
      for (int headDim : new int[] {2, 14, 48, 64, 80, 128, 130}) {
        for (Dynamics[] pair : all) {
          append(session, encoding(pair, KV_HEADS * headDim), headDim);
        }
      }
    }
  }

  private static KeyValueEncoding encoding(Dynamics[] pair, int channels) {
    Random random = new Random(SEED);
    boolean[][] salient = new boolean[2][channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      salient[0][c] = random.nextInt(4) == 0;
      salient[1][c] = random.nextInt(4) == 0;
      low[c] = -1 - random.nextFloat();
      high[c] = 1 + random.nextFloat();
    }
    return new KeyValueEncoding(null, pair[0], pair[1], true, salient[0], low, high, salient[1]);
  }

  /** Keys and values of the block are its normed input: its weights are identities, its rotations by nothing. */
  private static void append(Session session, KeyValueEncoding encoding, int headDim) {
    int hidden = KV_HEADS * headDim;
    BlockShape shape = new BlockShape(hidden, KV_HEADS, KV_HEADS, headDim, 1, 1e-5f);
    Tensor ones = constant(1, hidden, 1);
    Map<Projection, DecoderPlan.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      Tensor weight = Tensor.allocate(DType.F32, shape.rows(projection), shape.columns(projection));
      for (int c = 0; c < Math.min(weight.rows(), weight.columns()); c++) {
        weight.setFloat(c, c, 1);
      }
      linears.put(projection, new DecoderPlan.Linear(null, weight, null, null));
    }
    DecoderPlan plan = new DecoderPlan(shape, List.of(new DecoderPlan.Layer(linears, ones, ones, encoding)), ones,
        new DecoderPlan.Linear(null, ones, null, null));
    Tensor rope = constant(CAPACITY, headDim, 1);
    for (int p = 0; p < CAPACITY; p++) {
      for (int i = headDim / 2; i < headDim; i++) {
        rope.setFloat(p, i, 0);
      }
    }
    KeyValues expected = KeyValues.allocate(KV_HEADS, headDim, CAPACITY, encoding);
    try (DecoderSession decoder = session.decoder(plan).orElseThrow()) {
      DecoderSession.Cache cache = decoder.cache(CAPACITY);
      Random random = new Random(SEED);
      for (int[] part : new int[][] {{0, 3}, {3, 1}, {4, 2}}) {
        Tensor x = Tensor.allocate(DType.F32, part[1], hidden);
        for (int t = 0; t < part[1]; t++) {
          for (int c = 0; c < hidden; c++) {
            x.setFloat(t, c, (float) random.nextGaussian());
          }
        }
        Tensor norm = Tensor.allocate(DType.F32, part[1], hidden);
        session.rmsNorm(x, ones, shape.epsilon(), norm);
        expected.append(norm, norm, part[0]);
        decoder.forward(x, cache, part[0], rope);
      }
      KeyValues found = ((NativeDecoder.BlockCaches) cache).blocks().getFirst();
      String what = encoding.row(headDim) + ", seed " + SEED;
      assertEquals(-1, expected.keys().segment().mismatch(found.keys().segment()), what + ": keys differ first in byte");
      assertEquals(-1, expected.values().segment().mismatch(found.values().segment()), what + ": values differ first in byte");
      assertEquals(-1, expected.valueZeros().segment().mismatch(found.valueZeros().segment()), what);
      assertEquals(-1, expected.valueThresholds().segment().mismatch(found.valueThresholds().segment()), what);
    }
  }

  private static Tensor constant(int rows, int columns, float value) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, value);
      }
    }
    return x;
  }
}
