package org.spikellm.api;

/**
 * A weight that is not quantized.
 *
 * @param values F32, F16 or BF16 [rows, columns], columns in the order of the input channels
 */
public record DenseWeight(Tensor values) implements LinearWeight {

  public DenseWeight {
    if (!values.dtype().isFloating()) {
      throw new IllegalArgumentException("dense weight is " + values.dtype() + ", expected F32, F16 or BF16");
    }
  }

  @Override
  public int rows() {
    return values.rows();
  }

  @Override
  public int columns() {
    return values.columns();
  }
}
