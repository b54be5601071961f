package org.spikellm.quantizers.pbllm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.quantizers.GptqGolden;
import org.spikellm.tck.QuantizationPipelineContract;

/** PB-LLM keeps the contract of pipelines and is what an independent implementation makes of it. */
class PbLlmTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return new PbLlm();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }

  @Override
  protected boolean takesWeightBits() {
    return false;
  }

  @Test
  @DisplayName("a layer is golden's: which elements are codes, their values, the output error")
  void golden() {
    PartlyBinaryWeight weight = (PartlyBinaryWeight) GptqGolden.quantize(new PartlyBinaryLayer(0.9, 128));
    float[] low = GptqGolden.tensor("pb.low").toFloats();
    for (int r = 0; r < weight.rows(); r++) {
      for (int j = 0; j < weight.columns(); j++) {
        int code = weight.mask().getInt(r, j / 8) >> j % 8 & 1;
        assertEquals(1 - low[r * weight.columns() + j], code, "element (" + r + ", " + j + ")");
      }
    }
    GptqGolden.check(weight, "pb", 85395.34, 1e-5);
  }
}
