package org.spikellm.quantizers.gptq;

import org.spikellm.api.CodeClass;
import org.spikellm.api.Encoding;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.HessianFactor;

/**
 * A linear layer that is to be quantized, columns in the order of quantization.
 *
 * @param weight F32 [rows, columns], replaced by what it becomes
 * @param channels input channel of each column. Not copied or changed
 * @param factor of the Hessian of its inputs, inverted
 * @param input how its input is encoded, or null
 * @param session computes
 */
public record Layer(Tensor weight, int[] channels, HessianFactor factor, Encoding input, Session session) {

  /** Ends of blocks of {@code size} columns. */
  public int[] blockEnds(int size) {
    return CodeClass.groupEnds(weight.columns(), size);
  }
}
