package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.SpikeTrain;

/**
 * A row of inputs and its spikes, as an independent implementation has them (gif.txt says which).
 *
 * @param kind what the inputs are like
 * @param bits bits a step
 * @param steps time steps T
 * @param theta threshold
 * @param zero zero point
 * @param x inputs
 * @param counts spike counts
 * @param spikes the level that each step fires, [step][channel]
 */
record Golden(String kind, int bits, int steps, float theta, int zero, float[] x, int[] counts, int[][] spikes) {

  static List<Golden> all() {
    List<Golden> all = new ArrayList<>();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(Golden.class.getResourceAsStream("gif.txt"),
        StandardCharsets.US_ASCII))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("case ")) {
          all.add(read(line.split(" "), lines));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertEquals(30, all.size(), "cases in gif.txt");
    return all;
  }

  private static Golden read(String[] head, BufferedReader lines) throws IOException {
    String[] range = lines.readLine().split(" ");
    String[] x = lines.readLine().split(" ");
    float[] values = new float[x.length - 1];
    for (int c = 0; c < values.length; c++) {
      values[c] = bits(x[c + 1]);
    }
    int[] counts = integers(lines.readLine());
    int steps = Integer.parseInt(head[3]);
    int[][] spikes = new int[steps][];
    for (int step = 0; step < steps; step++) {
      spikes[step] = integers(lines.readLine());
    }
    return new Golden(head[1], Integer.parseInt(head[2]), steps, bits(range[1]), Integer.parseInt(range[3]), values, counts,
        spikes);
  }

  private static float bits(String hexadecimal) {
    return Float.intBitsToFloat(Integer.parseUnsignedInt(hexadecimal, 16));
  }

  private static int[] integers(String line) {
    return Arrays.stream(line.split(" ")).skip(1).mapToInt(Integer::parseInt).toArray();
  }

  /** Fails where {@code train}, of one token and one class, is not this. */
  void check(SpikeTrain train, boolean collapsed) {
    assertEquals(theta, train.thresholds().getFloat(0, 0), () -> this + ": threshold");
    assertEquals(zero, train.zeros().getInt(0, 0) + train.offset(), () -> this + ": zero point");
    int[] found = new int[x.length];
    for (int c = 0; c < found.length; c++) {
      found[c] = train.count(0, c);
    }
    assertArrayEquals(counts, found, () -> this + ": counts");
    for (int step = 0; !collapsed && step < steps; step++) {
      int[] fired = new int[x.length];
      for (int c = 0; c < fired.length; c++) {
        fired[c] = train.planes().get(step).getInt(0, c);
      }
      int at = step;
      assertArrayEquals(spikes[step], fired, () -> this + ": spikes of step " + at);
    }
  }

  @Override
  public String toString() {
    return "golden case '" + kind + "' of " + bits + " bits, " + steps + " steps";
  }
}
