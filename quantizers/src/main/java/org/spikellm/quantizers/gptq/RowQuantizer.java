package org.spikellm.quantizers.gptq;

import org.spikellm.api.Tensor;

/** Rounds the weights of a layer, the columns of a row one after another. Different rows may be worked on at the same time. */
public interface RowQuantizer {

  /**
   * The columns {@code from..to − 1} of a row come next; what is fitted to them is fitted now.
   *
   * @param weights F32 [rows, columns], those from {@code from} on with the error of all columns before
   */
  void fit(int row, int from, int to, Tensor weights);

  /** The value that a weight of the block becomes; its code is kept. */
  float quantize(int row, int column, float weight);
}
