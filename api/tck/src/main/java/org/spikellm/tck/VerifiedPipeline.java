package org.spikellm.tck;

import org.spikellm.api.BlockTask;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;

/** The contract of the pipeline that {@link Verification} runs. */
final class VerifiedPipeline extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return (QuantizationPipeline) Verification.SUBJECT.get().provider();
  }

  @Override
  protected Session session(int threads) {
    return Verification.SUBJECT.get().sessions().apply(threads);
  }

  /** One with a plan of its own refuses bits that it would not heed. */
  @Override
  protected boolean takesWeightBits() {
    BlockTask usual = BlockCase.task(4, 4, 0);
    try {
      pipeline().check(usual.spec(), usual.neuron());
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
