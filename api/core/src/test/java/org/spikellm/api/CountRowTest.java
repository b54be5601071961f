package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class CountRowTest {

  private static final long SEED = 5;

  private static CountRow row(int channels, Dynamics plain, Dynamics salient) {
    boolean[] none = new boolean[channels];
    float[] range = new float[channels];
    return new KeyValueEncoding(new EncodingTest.Whole(true), plain, salient, true, none, range, range, none).row(channels);
  }

  private static Dynamics levels(int low, int high, int timeSteps) {
    return new Dynamics(1, 1, low, high, timeSteps);
  }

  @Test
  @DisplayName("counts of at most 64 levels take 4, 5 or 6 bits, others a byte or two")
  void widths() {
    record Case(int bits, int low, int bytes, Dynamics plain, Dynamics salient) {}
    for (Case c : new Case[] {new Case(4, 0, 32, levels(0, 15, 1), levels(0, 7, 2)),
        new Case(4, 0, 32, levels(0, 1, 1), levels(0, 1, 1)), new Case(5, 0, 40, levels(0, 15, 1), levels(0, 8, 2)),
        new Case(5, -14, 40, levels(-7, 7, 1), levels(-7, 7, 2)),
        new Case(5, 0, 40, levels(0, 31, 1), levels(0, 15, 2)), new Case(6, 0, 48, levels(0, 32, 1), levels(0, 15, 2)),
        new Case(6, 0, 48, levels(0, 15, 1), levels(0, 21, 3)), new Case(6, -16, 48, levels(-16, 16, 1), levels(-3, 3, 2)),
        new Case(8, 0, 64, levels(0, 15, 1), levels(0, 16, 4)), new Case(8, 0, 64, levels(0, 255, 1), levels(0, 255, 1)),
        new Case(16, 0, 128, levels(0, 255, 1), levels(0, 255, 2))}) {
      CountRow row = row(64, c.plain, c.salient);
      assertEquals(c.bits, row.bits(), c::toString);
      assertEquals(c.low, row.low(), c::toString);
      assertEquals(c.bytes, row.bytes(), c::toString);
    }
    assertEquals(35 + 9, row(69, levels(0, 15, 1), levels(0, 15, 2)).bytes());
    assertEquals(1 + 2, row(1, levels(0, 15, 1), levels(0, 15, 4)).bytes());
  }

  @Test
  @DisplayName("two nibbles lie in a byte, the other bits of a code in planes")
  void layout() {
    int[] counts = new int[13];
    counts[0] = 5;
    counts[1] = 2 + 16;
    counts[8] = 15 + 32;
    counts[11] = 9 + 16;
    counts[12] = 7 + 48;
    CountRow six = row(13, levels(0, 15, 1), levels(0, 15, 4));
    Tensor rows = Tensor.allocate(six.type(), 2, six.columns());
    six.write(rows, 1, counts, 0);
    byte[] expected = {0x25, 0, 0, 0, 0x0f, (byte) 0x90, 0x07, 1 << 1, 1 << 3 | 1 << 4, 0, 1 | 1 << 4};
    assertArrayEquals(expected, rows.rows(1, 2).segment().toArray(ValueLayout.JAVA_BYTE));
    assertArrayEquals(new byte[11], rows.rows(0, 1).segment().toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  @DisplayName("what is written is read, whatever was there and whatever is beside it, in every width")
  void roundTrip() {
    SplittableRandom random = new SplittableRandom(SEED);
    Dynamics[][] all = {{levels(0, 15, 1), levels(0, 7, 2)}, {levels(-3, 3, 1), levels(-3, 3, 2)},
        {levels(0, 15, 1), levels(0, 15, 2)}, {levels(-7, 7, 1), levels(-7, 7, 2)},
        {levels(0, 15, 1), levels(0, 15, 4)}, {levels(-15, 15, 1), levels(-15, 15, 2)},
        {levels(0, 127, 1), levels(0, 100, 1)}, {levels(0, 255, 1), levels(0, 255, 4)}};
    for (Dynamics[] pair : all) {
      for (int channels : new int[] {1, 2, 7, 8, 9, 31, 63, 64, 65, 96, 127, 128, 130}) {
        CountRow row = row(channels, pair[0], pair[1]);
        Tensor rows = Tensor.allocate(row.type(), 3, row.columns());
        rows.segment().fill((byte) 0xa5);
        int[] counts = random.ints(channels + 4, Math.min(pair[0].countLow(), pair[1].countLow()),
            Math.max(pair[0].countHigh(), pair[1].countHigh()) + 1).toArray();
        row.write(rows, 1, counts, 4);
        int[] found = new int[channels + 4];
        row.read(rows, 1, found, 4);
        String what = row + ", seed " + SEED;
        assertArrayEquals(Arrays.copyOfRange(counts, 4, counts.length), Arrays.copyOfRange(found, 4, found.length), what);
        for (int r = 0; r < 3; r += 2) {
          for (byte b : rows.rows(r, r + 1).segment().toArray(ValueLayout.JAVA_BYTE)) {
            assertEquals((byte) 0xa5, b, what);
          }
        }
      }
    }
  }

  @Test
  @DisplayName("a cache whose rows are not those of its encoding is refused")
  void refuses() {
    KeyValues packed = KeyValues.allocate(2, 3, 4, new KeyValueEncoding(new EncodingTest.Whole(true), levels(0, 15, 1),
        levels(0, 15, 2), true, new boolean[6], new float[6], new float[6], new boolean[6]));
    Tensor bytes = Tensor.allocate(DType.I8, 8, 3);
    String message = assertThrows(IllegalArgumentException.class, () -> new KeyValues(2, 3, 4, packed.encoding(), packed.keys(),
        bytes, packed.valueThresholds(), packed.valueZeros())).getMessage();
    assertTrue(message.contains("expected keys and values in U8 [8, 3], found I8 [8, 3]"), message);
  }
}
