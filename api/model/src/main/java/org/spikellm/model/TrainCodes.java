package org.spikellm.model;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * The codes of spike trains, 0 to 2·zero, of which their bits could hold more. Many are compared at once: every other one of a word, whose
 * place above is free then for what passes its bits once {@code 2^bits − 1 − largest} is added.
 */
final class TrainCodes {

  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Bits of a word that begins anywhere in a byte. */
  private static final int BITS = Long.SIZE - Byte.SIZE;

  private TrainCodes() {}

  /** Whether no code is larger than the trains can be; true of codes of levels, which may be any. */
  static boolean fit(CodeClass codes) {
    int bits = codes.bits();
    int top = (1 << bits) - 1;
    if (codes.timeSteps() == 0 || codes.columns() == 0 || 2 * codes.zero(0, 0) >= top) {
      return true;
    }
    int pairs = BITS / (2 * bits);
    long even = 0;
    for (int i = 0; i < pairs; i++) {
      even |= 1L << 2 * bits * i;
    }
    Tensor rows = codes.codes();
    int bytes = rows.columns();
    byte[] row = new byte[bytes + Long.BYTES];
    long over = 0;
    for (int r = 0; r < codes.rows(); r++) {
      MemorySegment.copy(rows.segment(), Tensor.BYTE, r * rows.rowBytes(), row, 0, bytes);
      over |= over(row, codes.columns(), bits, 2 * pairs, even, (top - 2 * codes.zero(0, 0)) * even);
    }
    return over == 0;
  }

  /** Other than 0 where a code of a row passes its bits. */
  private static long over(byte[] row, int columns, int bits, int count, long even, long add) {
    long codes = even * ((1 << bits) - 1);
    long above = even << bits;
    long over = 0;
    for (int i = 0; i < columns; i += count) {
      long bit = (long) i * bits;
      long word = (long) LONGS.get(row, (int) (bit >>> 3)) >>> (bit & 7);
      if (i + count > columns) {
        word &= (1L << (columns - i) * bits) - 1;
      }
      over |= ((word & codes) + add | (word >>> bits & codes) + add) & above;
    }
    return over;
  }
}
