package org.spikellm.api;

/**
 * The cached keys and values of one decoder block. Row {@code head * capacity + position} of {@link #keys} and {@link #values}
 * belongs to (kv head, position).
 *
 * @param kvHeads key/value heads
 * @param headDim channels a head
 * @param capacity most positions
 * @param encoding how they are encoded, or null where the cache holds floats
 * @param keys F32 [kvHeads · capacity, headDim], or counts in rows as {@link CountRow} says: U8 [kvHeads · capacity, bytes of a
 *     row] where they take 4 to 6 bits, else I8 or I16 [kvHeads · capacity, headDim]
 * @param values as {@code keys}
 * @param valueThresholds θ of plain and of salient channels, F32 [kvHeads · capacity, 2]; null where the cache holds floats
 * @param valueZeros zero points less the offset, I32 [kvHeads · capacity, 2]; null where the cache holds floats
 */
public record KeyValues(int kvHeads, int headDim, int capacity, KeyValueEncoding encoding, Tensor keys, Tensor values,
    Tensor valueThresholds, Tensor valueZeros) {

  public KeyValues {
    CountRow row = encoding == null ? null : encoding.row(headDim);
    DType type = row == null ? DType.F32 : row.type();
    int columns = row == null ? headDim : row.columns();
    int rows = Math.multiplyExact(kvHeads, capacity);
    for (Tensor tensor : new Tensor[] {keys, values}) {
      if (tensor.dtype() != type || tensor.rows() != rows || tensor.columns() != columns) {
        throw new IllegalArgumentException("key/value cache: expected keys and values in " + type + " [" + rows
            + ", " + columns + "], found " + tensor);
      }
    }
    if (encoding != null && encoding.channels() != kvHeads * headDim) {
      throw new IllegalArgumentException("key/value cache: expected an encoding of " + kvHeads * headDim + " channels, found "
          + encoding.channels());
    }
    expect("thresholds of values", valueThresholds, encoding == null ? null : DType.F32, rows);
    expect("zero points of values", valueZeros, encoding == null ? null : DType.I32, rows);
  }

  private static void expect(String what, Tensor tensor, DType type, int rows) {
    if (type == null ? tensor != null : tensor == null || tensor.dtype() != type || tensor.rows() != rows || tensor.columns() != 2) {
      throw new IllegalArgumentException("key/value cache: expected " + what + (type == null ? " where spikes are cached alone"
          : " " + type + " [" + rows + ", 2]") + ", found " + tensor);
    }
  }

  /** An empty cache; {@code encoding} may be null for a cache of floats. */
  public static KeyValues allocate(int kvHeads, int headDim, int capacity, KeyValueEncoding encoding) {
    int rows = Math.multiplyExact(kvHeads, capacity);
    CountRow row = encoding == null ? null : encoding.row(headDim);
    DType type = row == null ? DType.F32 : row.type();
    int columns = row == null ? headDim : row.columns();
    return new KeyValues(kvHeads, headDim, capacity, encoding, Tensor.allocate(type, rows, columns),
        Tensor.allocate(type, rows, columns), encoding == null ? null : Tensor.allocate(DType.F32, rows, 2),
        encoding == null ? null : Tensor.allocate(DType.I32, rows, 2));
  }

  /** How counts lie in the rows of keys and values; null where the cache holds floats. */
  public CountRow counts() {
    return encoding == null ? null : encoding.row(headDim);
  }

  /** Whether spike counts are cached. */
  public boolean spiking() {
    return encoding != null;
  }

  /** The row of (kv head, position). */
  public int row(int head, int position) {
    return head * capacity + position;
  }

  /**
   * Stores keys (after RoPE) and values of consecutive positions, encoded where the cache is spiking.
   *
   * @param k F32 [tokens, kvHeads · headDim]
   * @param v F32 [tokens, kvHeads · headDim]
   * @param position position of the first row
   */
  public void append(Tensor k, Tensor v, int position) {
    Shapes.f32("keys", k, k.rows(), kvHeads * headDim);
    Shapes.f32("values", v, k.rows(), kvHeads * headDim);
    Shapes.positions("key/value cache", position, k.rows(), capacity);
    if (spiking()) {
      PlainKernels.encodeKeys(k, position, this);
      PlainKernels.encodeValues(v, position, this);
      return;
    }
    float[] row = new float[kvHeads * headDim];
    float[] head = new float[headDim];
    for (int t = 0; t < k.rows(); t++) {
      k.readRow(t, row);
      scatter(row, head, keys, position + t);
      v.readRow(t, row);
      scatter(row, head, values, position + t);
    }
  }

  private void scatter(float[] row, float[] head, Tensor target, int position) {
    for (int h = 0; h < kvHeads; h++) {
      System.arraycopy(row, h * headDim, head, 0, headDim);
      target.writeRow(row(h, position), head);
    }
  }

  /** The key of (kv head, position) as floats. */
  public void readKey(int head, int position, float[] out) {
    int row = row(head, position);
    if (!spiking()) {
      keys.readRow(row, out);
      return;
    }
    CountRow counts = counts();
    int offset = encoding.offset();
    for (int c = 0; c < headDim; c++) {
      out[c] = encoding.keyRange(head * headDim + c).decode(counts.get(keys, row, c) + offset);
    }
  }

  /** The value of (kv head, position) as floats. */
  public void readValue(int head, int position, float[] out) {
    int row = row(head, position);
    if (!spiking()) {
      values.readRow(row, out);
      return;
    }
    CountRow counts = counts();
    for (int c = 0; c < headDim; c++) {
      int salient = encoding.valueSalient()[head * headDim + c] ? 1 : 0;
      out[c] = (counts.get(values, row, c) - valueZeros.getInt(row, salient)) * valueThresholds.getFloat(row, salient);
    }
  }
}
