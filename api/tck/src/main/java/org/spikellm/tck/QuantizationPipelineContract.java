package org.spikellm.tck;

import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.BlockTask;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;

/**
 * What every quantization pipeline is held to; the rules are explained in SPEC.md. A pipeline's test is a subclass with
 * {@link #pipeline} and {@link #session}.
 */
public abstract class QuantizationPipelineContract {

  /** The pipeline under test, with its default options. */
  protected abstract QuantizationPipeline pipeline();

  /** A session of any backend that passes its contract; closed by the rule that asked for it. */
  protected abstract Session session(int threads);

  /**
   * Whether the spec decides the bits and the groups of weights; false for a pipeline with a plan of its own, such as ternary, which is then
   * asked for the bits and groups of its {@link QuantizationPipeline#defaults}.
   */
  protected boolean takesWeightBits() {
    return true;
  }

  private List<BlockTask> tasks() {
    return takesWeightBits() ? PipelineRules.tasks() : PipelineRules.ownTasks(pipeline());
  }

  @Test
  @DisplayName("P.1 provider: the id is lower-case letters, digits and hyphens")
  final void id() {
    ProviderRules.id(pipeline());
  }

  @Test
  @DisplayName("P.2 provider: options have defaults and cannot be changed from outside")
  final void options() {
    ProviderRules.options(pipeline());
  }

  @Test
  @DisplayName("P.3 provider: configure gives a provider of the same kind and id")
  final void configure() {
    ProviderRules.configure(QuantizationPipeline.class, pipeline());
  }

  @Test
  @DisplayName("P.4 provider: a value that cannot be used is refused by key and value")
  final void refusal() {
    ProviderRules.refusal(pipeline());
  }

  @Test
  @DisplayName("P.5 provider: it is a public class with a public constructor without parameters")
  final void constructor() {
    ProviderRules.constructor(pipeline());
  }

  @Test
  @DisplayName("Q.1 result: shapes are the block's, losses are finite")
  final void shapes() {
    try (Session session = session(2)) {
      PipelineRules.shapes(pipeline(), tasks(), session);
    }
  }

  @Test
  @DisplayName("Q.2 result: what was to be encoded is, every channel by the dynamics asked for")
  final void encodings() {
    try (Session session = session(2)) {
      PipelineRules.encodings(pipeline(), tasks(), session);
    }
  }

  @Test
  @DisplayName("Q.3 result: codes have no more bits than asked for, scales are finite, bits left over are 0")
  final void codes() {
    try (Session session = session(2)) {
      PipelineRules.codes(pipeline(), tasks(), session, takesWeightBits());
    }
  }

  @Test
  @DisplayName("Q.4 determinism: equal tasks give equal bytes, on any number of threads")
  final void deterministic() {
    try (Session one = session(1); Session three = session(3)) {
      PipelineRules.deterministic(pipeline(), tasks(), one, three);
    }
  }

  @Test
  @DisplayName("Q.5 task: it is not changed")
  final void taskStays() {
    try (Session session = session(2)) {
      PipelineRules.taskStays(pipeline(), tasks(), session);
    }
  }

  @Test
  @DisplayName("Q.6 result: the block runs")
  final void runs() {
    try (Session session = session(2)) {
      PipelineRules.runs(pipeline(), tasks(), session);
    }
  }

  @Test
  @DisplayName("Q.7 error: the block's output comes closer to the float block's as weights get more bits")
  final void error() {
    Assumptions.assumeTrue(takesWeightBits(), () -> "pipeline '" + pipeline().id() + "' has a plan of its own for weight bits");
    try (Session session = session(2)) {
      PipelineRules.error(pipeline(), session);
    }
  }
}
