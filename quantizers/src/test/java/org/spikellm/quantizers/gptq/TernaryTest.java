package org.spikellm.quantizers.gptq;

import java.util.Map;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.tck.QuantizationPipelineContract;

/** GPTQ with ternary spike trains, and columns in the order of their activations, keeps the contract of pipelines. */
class TernaryTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return (QuantizationPipeline) new Gptq().configure(Map.of("weights", "ternary", "act-order", "true", "block-size", "16"));
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }

  @Override
  protected boolean takesWeightBits() {
    return false;
  }
}
