package org.spikellm.backend.simd;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/** The vector shapes that all kernels share. */
final class Lanes {

  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  static final VectorSpecies<Byte> BYTE_LANES = ByteVector.SPECIES_PREFERRED;
  static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Bytes of a vector. */
  static final int BYTES = INTS.vectorByteSize();

  /** 32-bit lanes of a vector. */
  static final int COUNT = INTS.length();

  /** Rows of a weight that a kernel holds in its lanes: two vectors. */
  static final int BLOCK = 2 * COUNT;

  /**
   * Whether two vectors of 64 bytes can be picked from byte by byte, which AVX-512 alone does not have; Java has no question for it, and
   * emulates it at a thousandth of the speed.
   */
  static final boolean PICKS_BYTES = BYTES == 64 && cpuinfo().contains(" avx512vbmi ");

  /**
   * Whether look-ups read the next step's codes ahead. Intel's CPUs take three operations to pick bytes, so that few steps wait at a time and
   * the next codes are asked for late; others ask in time, and would read twice for nothing.
   */
  static final boolean READS_AHEAD = cpuinfo().contains("GenuineIntel");

  /**
   * Vectors of rows that kernels of codes work on at once. Intel's CPUs have room for few operations that wait for memory: with several
   * vectors these are fewer a line, and of several streams more is fetched ahead. AMD's fetch less ahead in several streams than in one.
   */
  static final int VECTORS = READS_AHEAD ? CodeStreams.VECTORS : 1;

  /**
   * 1, which C2 does not know: a loop that goes on by it is no counted loop, and not unrolled. Where a loop over codes is, C2 reads several
   * vectors in an order of its own, in which the CPU finds no stream to fetch ahead.
   */
  @SuppressWarnings("FieldMayBeFinal")
  static int one = 1;

  private Lanes() {}

  /** What Linux says of the CPUs; nothing elsewhere. */
  private static String cpuinfo() {
    try {
      return Files.readString(Path.of("/proc/cpuinfo"));
    } catch (IOException e) {
      return "";
    }
  }

  /** Width of the CPU's preferred vectors in bits. */
  static int bits() {
    return INTS.vectorBitSize();
  }

  /** {@code n} rounded up to whole vectors of floats. */
  static int padded(int n) {
    return (n + COUNT - 1) / COUNT * COUNT;
  }

  /** {@code a / b} rounded up. */
  static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }

  /**
   * The sum of {@code count} values, a power of two, pairwise. {@code reduceLanes} leaves the order of a float sum open and changes
   * it when a method is compiled; this does not.
   */
  static float sum(float[] values, int at, int count) {
    for (int half = count / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        values[at + i] += values[at + half + i];
      }
    }
    return values[at];
  }
}
