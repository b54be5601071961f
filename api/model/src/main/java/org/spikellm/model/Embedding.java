package org.spikellm.model;

import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Token embedding: rows of a table. */
public final class Embedding {

  private Embedding() {}

  /**
   * The rows of {@code table} that {@code tokens} name, F32 [tokens, hidden].
   *
   * @throws IllegalArgumentException if a token is outside the table
   */
  public static Tensor of(Tensor table, int[] tokens) {
    Tensor x = Tensor.allocate(DType.F32, tokens.length, table.columns());
    float[] row = new float[table.columns()];
    for (int t = 0; t < tokens.length; t++) {
      if (tokens[t] < 0 || tokens[t] >= table.rows()) {
        throw new IllegalArgumentException("token " + tokens[t] + ": expected 0 to " + (table.rows() - 1));
      }
      table.readRow(tokens[t], row);
      x.writeRow(t, row);
    }
    return x;
  }
}
