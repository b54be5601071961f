package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/** Makes indices of tables out of the codes of one class, for some rows. What a few codes, up to nine bits, add to one is looked up. */
final class TrainIndices {

  /** So many bits, wherever they begin, lie in two bytes. */
  private static final int LOOKUP_BITS = 9;

  private final CodeClass source;
  private final TrainDigits form;
  private final int rowBytes;
  /** Codes that are looked up at once. */
  private final int codes;
  /**
   * [parts of an index, or digits of a count][1 << LOOKUP_BITS]: what such codes add to an index; where it has one part, the byte that
   * stands for it.
   */
  private final byte[][] parts;
  private final byte[] codeOf = new byte[TrainDigits.ENTRIES];
  /** Rows of codes, and some bytes that may be read past them. */
  private final byte[] bytes;

  TrainIndices(CodeClass source, TrainDigits form, int rows) {
    this.source = source;
    this.form = form;
    rowBytes = source.codes().columns();
    codes = form.perCount() > 1 ? 1 : Math.min(form.perIndex(), Math.max(1, LOOKUP_BITS / source.bits()));
    parts = new byte[form.perCount() * Lanes.ceilDiv(form.perIndex(), codes)][1 << LOOKUP_BITS];
    for (int part = 0; part < parts.length; part++) {
      for (int bits = 0; bits < 1 << codes * source.bits(); bits++) {
        parts[part][bits] = part(part, bits);
      }
    }
    for (int entry = 0; entry < codeOf.length; entry++) {
      codeOf[entry] = (byte) TrainDigits.code(entry);
    }
    if (parts.length == 1) {
      for (int bits = 0; bits < parts[0].length; bits++) {
        parts[0][bits] = codeOf[parts[0][bits]];
      }
    }
    bytes = new byte[rows * rowBytes + 4];
  }

  private byte part(int part, int bits) {
    if (form.perCount() > 1) {
      return (byte) form.digit(count(bits, 0), part);
    }
    int sum = 0;
    for (int i = 0; i < Math.min(codes, form.perIndex() - part * codes); i++) {
      sum += form.digit(count(bits, i), 0) * form.place(part * codes + i);
    }
    return (byte) sum;
  }

  /** The count of code {@code i}; what no code may be counts like the largest. */
  private int count(int bits, int i) {
    int code = bits >>> i * source.bits() & (1 << source.bits()) - 1;
    return Math.min(code, 2 * form.most()) - form.most();
  }

  /** Takes up rows from {@code first} on. */
  void read(int first, int rows) {
    MemorySegment.copy(source.codes().segment(), Tensor.BYTE, (long) first * rowBytes, bytes, 0, rows * rowBytes);
  }

  /**
   * The indices of a group of a row, one every {@code stride} bytes. In the last one there may be codes of what follows the group: they
   * are multiplied with 0.
   *
   * @param row counted from the first that was read
   */
  void write(int row, int group, int steps, byte[] target, int at, int stride) {
    int bit = row * rowBytes * Byte.SIZE + source.groupStart(group) * source.bits();
    if (parts.length == 1) {
      single(bit, steps, target, at, stride);
      return;
    }
    int end = (row + 1) * rowBytes * Byte.SIZE;
    for (int s = 0; s < steps; s++) {
      int digit = s * form.perIndex();
      int index = 0;
      if (form.perCount() > 1) {
        index = parts[digit % form.perCount()][bits(bit + digit / form.perCount() * source.bits(), codes)];
      } else {
        for (int part = 0; part < parts.length; part++) {
          int from = bit + (digit + part * codes) * source.bits();
          index += from < end ? parts[part][bits(from, codes)] : 0;
        }
      }
      target[at + s * stride] = codeOf[index];
    }
  }

  private void single(int bit, int steps, byte[] target, int at, int stride) {
    byte[] in = bytes;
    byte[] part = parts[0];
    int width = codes * source.bits();
    int mask = (1 << width) - 1;
    for (int s = 0, from = bit, to = at; s < steps; s++, from += width, to += stride) {
      int both = in[from >>> 3] & 0xff | in[(from >>> 3) + 1] << 8;
      target[to] = part[both >>> (from & 7) & mask];
    }
  }

  private int bits(int from, int count) {
    int both = bytes[from >>> 3] & 0xff | bytes[(from >>> 3) + 1] << 8;
    return both >>> (from & 7) & (1 << count * source.bits()) - 1;
  }
}
