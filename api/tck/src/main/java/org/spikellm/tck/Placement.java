package org.spikellm.tck;

import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Where the tensors of a case lie. */
interface Placement {

  /** Each in memory of its own, aligned. */
  Placement ALIGNED = Tensor::allocate;

  Tensor tensor(DType dtype, int rows, int columns);
}
