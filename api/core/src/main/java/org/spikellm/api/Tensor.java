package org.spikellm.api;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A row-major matrix in native memory, without arithmetic. Element (r, c) lies at byte {@code (r * columns + c) * dtype.bytes()}
 * of the segment, little-endian; the segment may be unaligned (a view into a mapped file). A vector is a tensor of one row.
 *
 * @param dtype element type
 * @param rows number of rows
 * @param columns number of columns
 * @param segment native memory of exactly {@code rows * columns * dtype.bytes()} bytes
 */
public record Tensor(DType dtype, int rows, int columns, MemorySegment segment) {

  /** Little-endian layouts that accept any address. */
  public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private static final long ALIGNMENT = 64;

  public Tensor {
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException("tensor of " + rows + " rows and " + columns + " columns: expected none below 0");
    }
    long expected = (long) rows * columns * dtype.bytes();
    if (segment.byteSize() != expected) {
      throw new IllegalArgumentException("tensor " + dtype + " [" + rows + ", " + columns + "]: expected "
          + expected + " bytes, found " + segment.byteSize());
    }
    if (!segment.isNative()) {
      throw new IllegalArgumentException("tensor " + dtype + " [" + rows + ", " + columns
          + "] lies on the heap: expected native memory, which every backend can address");
    }
  }

  /** A tensor of zeros whose memory lives as long as {@code arena}. */
  public static Tensor allocate(Arena arena, DType dtype, int rows, int columns) {
    long bytes = (long) rows * columns * dtype.bytes();
    return new Tensor(dtype, rows, columns, arena.allocate(Math.max(bytes, 1), ALIGNMENT).asSlice(0, bytes));
  }

  /** A tensor of zeros that is freed when it is no longer reachable. */
  public static Tensor allocate(DType dtype, int rows, int columns) {
    return allocate(Arena.ofAuto(), dtype, rows, columns);
  }

  /** An F32 tensor of {@code rows} rows that holds a copy of {@code values}. */
  public static Tensor of(int rows, float... values) {
    Tensor tensor = allocate(DType.F32, rows, rows == 0 ? 0 : values.length / rows);
    MemorySegment.copy(values, 0, tensor.segment, FLOAT, 0, values.length);
    return tensor;
  }

  /** Number of elements. */
  public long size() {
    return (long) rows * columns;
  }

  /** Bytes a row takes. */
  public long rowBytes() {
    return (long) columns * dtype.bytes();
  }

  /** A view of the rows {@code from} (inclusive) to {@code to} (exclusive). */
  public Tensor rows(int from, int to) {
    return new Tensor(dtype, to - from, columns, segment.asSlice(from * rowBytes(), (to - from) * rowBytes()));
  }

  /** Element (row, column) as a float: exact for every type but large I32. */
  public float getFloat(int row, int column) {
    long index = (long) row * columns + column;
    return switch (dtype) {
      case F32 -> segment.get(FLOAT, index * 4);
      case F16 -> Float.float16ToFloat(segment.get(SHORT, index * 2));
      case BF16 -> Float.intBitsToFloat(segment.get(SHORT, index * 2) << 16);
      default -> getInt(row, column);
    };
  }

  /** Element (row, column) of an integer tensor; U8 is 0..255. */
  public int getInt(int row, int column) {
    long index = (long) row * columns + column;
    return switch (dtype) {
      case I32 -> segment.get(INT, index * 4);
      case I16 -> segment.get(SHORT, index * 2);
      case I8 -> segment.get(BYTE, index);
      case U8 -> segment.get(BYTE, index) & 0xff;
      default -> throw new IllegalArgumentException("tensor is " + dtype + ", expected an integer type");
    };
  }

  /** Sets element (row, column) of an F32 tensor, or of an F16 or BF16 one, rounded half to even. */
  public void setFloat(int row, int column, float value) {
    long index = (long) row * columns + column;
    switch (dtype) {
      case F32 -> segment.set(FLOAT, index * 4, value);
      case F16 -> segment.set(SHORT, index * 2, Float.floatToFloat16(value));
      case BF16 -> segment.set(SHORT, index * 2, bfloat16(value));
      default -> throw new IllegalArgumentException("tensor is " + dtype + ", expected a floating type");
    }
  }

  /** Sets element (row, column) of an integer tensor to the low bits of {@code value}. */
  public void setInt(int row, int column, int value) {
    long index = (long) row * columns + column;
    switch (dtype) {
      case I32 -> segment.set(INT, index * 4, value);
      case I16 -> segment.set(SHORT, index * 2, (short) value);
      case I8, U8 -> segment.set(BYTE, index, (byte) value);
      default -> throw new IllegalArgumentException("tensor is " + dtype + ", expected an integer type");
    }
  }

  /** Copies row {@code row}, as floats, into {@code target}, which holds at least {@link #columns()} elements. */
  public void readRow(int row, float[] target) {
    long start = row * rowBytes();
    switch (dtype) {
      case F32 -> MemorySegment.copy(segment, FLOAT, start, target, 0, columns);
      case F16 -> {
        short[] halves = shorts(start, columns);
        for (int c = 0; c < columns; c++) {
          target[c] = Float.float16ToFloat(halves[c]);
        }
      }
      case BF16 -> {
        short[] halves = shorts(start, columns);
        for (int c = 0; c < columns; c++) {
          target[c] = Float.intBitsToFloat(halves[c] << 16);
        }
      }
      default -> {
        for (int c = 0; c < columns; c++) {
          target[c] = getInt(row, c);
        }
      }
    }
  }

  private short[] shorts(long start, int count) {
    short[] shorts = new short[count];
    MemorySegment.copy(segment, SHORT, start, shorts, 0, count);
    return shorts;
  }

  /** Copies {@code source} into row {@code row} of an F32 tensor. */
  public void writeRow(int row, float[] source) {
    if (dtype != DType.F32) {
      throw new IllegalArgumentException("tensor is " + dtype + ", expected F32");
    }
    MemorySegment.copy(source, 0, segment, FLOAT, row * rowBytes(), columns);
  }

  /** Copies {@code count} elements of an integer tensor, from (row, column) on, to the start of {@code target}; U8 is 0..255. */
  public void readInts(int row, int column, int[] target, int count) {
    long start = row * rowBytes() + (long) column * dtype.bytes();
    switch (dtype) {
      case I32 -> MemorySegment.copy(segment, INT, start, target, 0, count);
      case I16 -> {
        short[] shorts = shorts(start, count);
        for (int i = 0; i < count; i++) {
          target[i] = shorts[i];
        }
      }
      case I8, U8 -> {
        int mask = dtype == DType.U8 ? 0xff : -1;
        byte[] bytes = new byte[count];
        MemorySegment.copy(segment, BYTE, start, bytes, 0, count);
        for (int i = 0; i < count; i++) {
          target[i] = bytes[i] & mask;
        }
      }
      default -> throw new IllegalArgumentException("tensor is " + dtype + ", expected an integer type");
    }
  }

  /** Sets {@code count} elements of an integer tensor, from (row, column) on, to the low bits of what {@code source} begins with. */
  public void writeInts(int row, int column, int[] source, int count) {
    long start = row * rowBytes() + (long) column * dtype.bytes();
    switch (dtype) {
      case I32 -> MemorySegment.copy(source, 0, segment, INT, start, count);
      case I16 -> {
        short[] shorts = new short[count];
        for (int i = 0; i < count; i++) {
          shorts[i] = (short) source[i];
        }
        MemorySegment.copy(shorts, 0, segment, SHORT, start, count);
      }
      case I8, U8 -> {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
          bytes[i] = (byte) source[i];
        }
        MemorySegment.copy(bytes, 0, segment, BYTE, start, count);
      }
      default -> throw new IllegalArgumentException("tensor is " + dtype + ", expected an integer type");
    }
  }

  /** The elements as a new array, row after row. */
  public float[] toFloats() {
    float[] all = new float[Math.toIntExact(size())];
    float[] one = new float[columns];
    for (int r = 0; r < rows; r++) {
      readRow(r, one);
      System.arraycopy(one, 0, all, r * columns, columns);
    }
    return all;
  }

  /** A copy as F32, freed when it is no longer reachable. */
  public Tensor toF32() {
    return toF32(Arena.ofAuto());
  }

  /** A copy as F32 that lives as long as {@code arena}. */
  public Tensor toF32(Arena arena) {
    Tensor copy = allocate(arena, DType.F32, rows, columns);
    float[] one = new float[columns];
    for (int r = 0; r < rows; r++) {
      readRow(r, one);
      copy.writeRow(r, one);
    }
    return copy;
  }

  /** Sets every byte to zero. */
  public void clear() {
    segment.fill((byte) 0);
  }

  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  @Override
  public String toString() {
    return dtype + " [" + rows + ", " + columns + "]";
  }
}
