package com.example.clipsearch;

import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.tck.QuantizationPipelineContract;

class ClipSearchTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return new ClipSearch();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }
}
